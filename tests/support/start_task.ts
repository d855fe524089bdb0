/** The command of a start task, so that what is tested and measured is what is started. */

const ownRoot = new URL("../../", import.meta.url).pathname;

/** The words that run lb on an engine as its task does, up to the command of lb; `root`, with a slash at its end, is a checkout. */
export function startWords(engine: "linux" | "portable", root: string = ownRoot): string[] {
  const { tasks } = JSON.parse(Deno.readTextFileSync(`${root}deno.json`));
  const { command } = tasks[engine === "linux" ? "start" : "start:sandboxed"];
  const [, words] = /^deno run (.*) main\.ts run$/.exec(command)!;
  return [Deno.execPath(), "run", "--config", `${root}deno.json`, ...words!.split(" "), `${root}main.ts`];
}
