/** A file for a command to read. */

/** Dispose it to have it removed, with its folder. */
export class TextFile implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async write(text: string): Promise<TextFile> {
    const file = new TextFile(await Deno.makeTempDir({ prefix: "lb-scenario-" }));
    await Deno.writeTextFile(file.path, text);
    return file;
  }

  get path(): string {
    return `${this.folder}/lb.yaml`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}
