/**
 * Reads small files without the help of another thread, and never anything that could block the program: opening a FIFO
 * waits for somebody to write, and a device may have no end.
 */

/** What is at a path. */
export type FoundFile = { readonly kind: "notAFile" } | {
  readonly kind: "file" | "tooLarge";
  readonly bytes: number;
  /** Another one when the file was replaced or, unless that was within the same time stamp, written. */
  readonly version: string;
  /** When it was written last, milliseconds since 1970. */
  readonly modifiedAt: number;
};

/** Examines a path without opening it; above `maxBytes` a file is too large. Throws what the system says. */
export function statRegularFile(path: string, maxBytes: number): FoundFile {
  const { isFile, size, dev, ino, mtime, ctime } = Deno.statSync(path);
  if (!isFile) return { kind: "notAFile" };
  const version = [dev, ino, size, mtime?.getTime(), ctime?.getTime()].join(":");
  const modifiedAt = Math.max(mtime?.getTime() ?? Infinity, ctime?.getTime() ?? -Infinity);
  return { kind: size > maxBytes ? "tooLarge" : "file", bytes: size, version, modifiedAt };
}

/** The first `maxBytes` of a regular file: it may have grown meanwhile. Throws what the system says. */
export function readRegularFile(path: string, maxBytes: number): Uint8Array<ArrayBuffer> {
  using file = Deno.openSync(path);
  const buffer = new Uint8Array(maxBytes);
  let length = 0;
  while (length < maxBytes) {
    const read = file.readSync(buffer.subarray(length));
    if (read === null) break;
    length += read;
  }
  return buffer.subarray(0, length);
}
