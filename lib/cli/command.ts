/** What a command is, and what it may touch of the outside. */

/** The exit codes of every command. */
export const exit = {
  ok: 0,
  failed: 1,
  usage: 2,
  configInvalid: 3,
  adminUnreachable: 4,
  timedOut: 5,
  refused: 6,
} as const;

/** One verb of the command line. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What stands behind the name, e.g. `[-c lb.yaml]`. */
  readonly synopsis: string;
  /** The text of `lb help NAME`. */
  readonly help: string;
  readonly options: { readonly [name: string]: Option };
  /** Words that may follow; 0 unless said. */
  readonly maxPositionals?: number;
  /** Resolves to the exit code. */
  run(invocation: Invocation): Promise<number>;
}

/** One option, as `parseArgs` of node:util takes it. */
export interface Option {
  readonly type: "string" | "boolean";
  readonly short?: string;
  readonly default?: string;
}

export interface Invocation {
  readonly values: { readonly [option: string]: string | boolean | undefined };
  readonly positionals: readonly string[];
  readonly terminal: Terminal;
}

/** The process's surroundings, so that a test can stand in for them. Nothing here throws. */
export interface Terminal {
  /** Writes a line to standard output; false = it could not be written, which is said on standard error. */
  print(line: string): boolean;
  /** Writes a line to standard error. */
  printError(line: string): void;
  /** Writes text without a line feed to standard output. */
  write(text: string): void;
  /** Whether standard output is a terminal. */
  readonly isTerminal: boolean;
  env(name: string): string | undefined;
}

/** The option every command that reads a configuration has. */
export const configOption = { config: { type: "string", short: "c", default: "lb.yaml" } } as const;
