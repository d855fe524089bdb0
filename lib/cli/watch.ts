/** How often the file is read again; a change counts once it has stood for as long. */
const lookMs = 500;

/**
 * Calls `onChange` when the content of a file has changed, until disposed. The file is read again and again: a watch of the
 * system's on a file ends when an editor puts a new file in its place, and one on a folder when a release replaces that.
 */
export function watchFile(path: string, onChange: () => void): Disposable {
  let acted = read(path);
  let seen = acted;
  const timer = setInterval(() => {
    const now = read(path);
    // Twice the same: an editor writes a file in several steps.
    if (now === seen && now !== acted) {
      acted = now;
      onChange();
    }
    seen = now;
  }, lookMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    // Gone or unreadable for now: that is a change as well, and whoever reads it says what is wrong.
    return `\0${error instanceof Error ? error.name : error}`;
  }
}
