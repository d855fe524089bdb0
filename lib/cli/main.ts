/** From the words of a command line to a command and its exit code. */
import { parseArgs } from "node:util";
import { nearest } from "../config/language/suggestions.ts";
import { type Command, exit, type Terminal } from "./command.ts";
import { commands } from "./commands.ts";
import { helpText } from "./help.ts";

/** Runs one command line; resolves to the exit code. */
export async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  const [word, ...rest] = args;
  if (word === undefined || isHelp(word)) return await help(rest, terminal);
  if (word === "--version" || word === "-V") return await main(["version", ...rest], terminal);
  const command = commands.find(({ name }) => name === word);
  if (command === undefined) return unknownCommand(word, terminal);
  if (rest.some((word) => word === "--help" || word === "-h")) return await help([word], terminal);
  const parsed = parse(command, rest);
  if ("problem" in parsed) {
    terminal.printError(`lb ${command.name}: ${parsed.problem}`);
    terminal.printError(`usage: lb ${command.name} ${command.synopsis}`.trimEnd());
    return exit.usage;
  }
  return await command.run({ ...parsed, terminal });
}

type Parsed =
  | Pick<Parameters<Command["run"]>[0], "values" | "positionals">
  | { readonly problem: string };

function parse(command: Command, args: string[]): Parsed {
  try {
    const { values, positionals } = parseArgs({ args, options: command.options, allowPositionals: true });
    const surplus = positionals[command.maxPositionals ?? 0];
    if (surplus !== undefined) return { problem: `${JSON.stringify(surplus)} is one word too many` };
    return { values: values as { [option: string]: string | boolean | undefined }, positionals };
  } catch (error) {
    return { problem: optionProblem(command, error) };
  }
}

function optionProblem(command: Command, error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const unknown = /^Unknown option '([^']*)'/.exec(text)?.[1];
  if (unknown === undefined) return text;
  const guess = nearest(unknown.replace(/^-+/, ""), Object.keys(command.options), {});
  return `unknown option ${JSON.stringify(unknown)}${
    guess === undefined ? "" : `; did you mean "--${guess}"?`
  }`;
}

function isHelp(word: string): boolean {
  return word === "help" || word === "--help" || word === "-h";
}

function help([name]: readonly string[], terminal: Terminal): Promise<number> {
  const command = commands.find((command) => command.name === name);
  if (name !== undefined && !isHelp(name) && command === undefined) {
    return Promise.resolve(unknownCommand(name, terminal));
  }
  return Promise.resolve(terminal.print(helpText(command, commands)) ? exit.ok : exit.failed);
}

function unknownCommand(word: string, terminal: Terminal): number {
  const guess = nearest(word, [...commands.map(({ name }) => name), "help"], {});
  const hint = guess === undefined ? "`lb help` lists the commands" : `did you mean "${guess}"?`;
  terminal.printError(`lb: ${JSON.stringify(word)} is not a command; ${hint}`);
  return exit.usage;
}
