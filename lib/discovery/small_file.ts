/** Files of the system that are read at each lookup. */

/**
 * The text of a file, at most its first `maxBytes`; undefined where there is none to read.
 *
 * It is read synchronously: an asynchronous read takes a thread of the runtime's pool, and where none can be started the
 * runtime ends the process. What is no regular file is not opened, for opening a FIFO waits until somebody writes to it.
 */
export function readSmallFile(path: string, maxBytes: number): string | undefined {
  try {
    const { isFile, size } = Deno.statSync(path);
    if (!isFile) return undefined;
    using file = Deno.openSync(path);
    const bytes = new Uint8Array(Math.min(size, maxBytes));
    let length = 0;
    while (length < bytes.length) {
      const read = file.readSync(bytes.subarray(length));
      if (read === null) break;
      length += read;
    }
    return new TextDecoder().decode(bytes.subarray(0, length));
  } catch (error) {
    // Missing, not readable, no permission of Deno's: the lookup goes on without it. All of these are I/O errors.
    if (error instanceof TypeError || error instanceof RangeError) throw error;
    return undefined;
  }
}
