/** An editor writes a file in several steps; a change is acted on when they are over. */
const settleMs = 200;

/**
 * Calls `onChange` when the content of a file has changed, until disposed. The folder is watched, not the file: a watch on a
 * file ends when an editor puts a new file in its place.
 */
export function watchFile(path: string, onChange: () => void): Disposable {
  const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/") + 1) : ".";
  const watcher = Deno.watchFs(folder, { recursive: false });
  let content = read(path);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = () => {
    const before = content;
    content = read(path);
    if (content !== before) onChange();
  };
  (async () => {
    for await (const _event of watcher) {
      clearTimeout(timer);
      timer = setTimeout(look, settleMs);
    }
  })();
  return {
    [Symbol.dispose]() {
      clearTimeout(timer);
      watcher.close();
    },
  };
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    // Gone or unreadable for now: that is a change as well, and whoever reads it says what is wrong.
    return `\0${error instanceof Error ? error.name : error}`;
  }
}
