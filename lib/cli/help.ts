import type { Command } from "./command.ts";

/** The text of `lb help`, or of `lb help COMMAND` where a command is given. */
export function helpText(command: Command | undefined, commands: readonly Command[]): string {
  return command === undefined ? overview(commands) : page(command);
}

function page({ name, synopsis, help }: Command): string {
  return `${`lb ${name} ${synopsis}`.trimEnd()}\n\n${help}`;
}

function overview(commands: readonly Command[]): string {
  const rows = [
    ...commands.map(({ name, synopsis, summary }) => [`lb ${name} ${synopsis}`.trimEnd(), summary] as const),
    ["lb help [COMMAND]", "Say more about a command"] as const,
  ];
  const width = Math.max(...rows.map(([usage]) => usage.length));
  return [
    "lb - a TCP load balancer: one binary, one YAML file",
    "",
    ...rows.map(([usage, summary]) => `  ${usage.padEnd(width)}   ${summary}`),
    "",
    "Exit codes: 0 ok, 1 failed, 2 usage, 3 configuration invalid, 4 admin not reachable, 5 timed out, 6 refused.",
  ].join("\n");
}
