/** The file that binding a unix socket makes. Deno removes it when it closes the listener, but only from 2.5 on. */

/** The file of a listener that was just bound; removes it later if it is still that one. */
export class UnixFile {
  readonly #path: string;
  readonly #identity: string | undefined;

  constructor(path: string) {
    this.#path = path;
    this.#identity = identityOf(path);
  }

  /** Somebody may have removed it meanwhile and bound another one: that stays, unless it comes between the comparison and the removal. */
  remove(): void {
    if (this.#identity === undefined || identityOf(this.#path) !== this.#identity) return;
    try {
      Deno.removeSync(this.#path);
    } catch {
      // A folder that may no longer be written: where lb starts, a file that nobody answers on is removed.
    }
  }
}

/** Device and inode of what is at the path; undefined where nothing is, or nobody may see. */
function identityOf(path: string): string | undefined {
  try {
    const { dev, ino } = Deno.lstatSync(path);
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
