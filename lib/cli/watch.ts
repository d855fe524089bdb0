/** Notices that a file has changed. */
import { maxConfigBytes } from "./config_file.ts";
import { readRegularFile, statRegularFile } from "./regular_file.ts";

/** How often the file is examined; a change counts once it has stood for as long. */
const pollMs = 500;

/** Two writes within so much time may leave the same time stamp on a file. */
const timestampMs = 2_000;

/**
 * Calls `onChange` when the content of a file has changed, until disposed. The file is polled: a watch of
 * the system's on a file ends when an editor replaces the file, and one on a folder ends when a release replaces the folder.
 */
export function watchFile(path: string, onChange: () => void): Disposable {
  const watched = new WatchedFile(path);
  let handled = watched.content();
  let previous = handled;
  const timer = setInterval(() => {
    const content = watched.content();
    // Twice the same: an editor writes a file in several steps.
    if (content === previous && content !== handled) {
      handled = content;
      onChange();
    }
    previous = content;
  }, pollMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** Reads a file again only where it may have changed. */
class WatchedFile {
  readonly #path: string;
  readonly #decoder = new TextDecoder();
  #version = "";
  #content = "";

  constructor(path: string) {
    this.#path = path;
  }

  /** The text of the file, or, behind a zero byte, what is there instead: that is a change too, and a reload says what is wrong. */
  content(): string {
    try {
      const found = statRegularFile(this.#path, maxConfigBytes);
      if (found.kind === "notAFile") return "\0not a file";
      if (found.kind === "tooLarge") return `\0too large: ${found.version}`;
      if (found.version === this.#version) return this.#content;
      this.#content = this.#decoder.decode(readRegularFile(this.#path, maxConfigBytes));
      // A file that was written a moment ago may be written once more without showing it.
      this.#version = found.modifiedAt < Date.now() - timestampMs ? found.version : "";
      return this.#content;
    } catch (error) {
      this.#version = "";
      return `\0${error instanceof Error ? error.name : error}`;
    }
  }
}
