/** Every command by its name, in the order `lb help` shows them. */
import { checkCommand } from "./check.ts";
import type { Command } from "./command.ts";
import { demoCommand } from "./demo.ts";
import { runCommand } from "./run.ts";
import { schemaCommand } from "./schema.ts";
import { versionCommand } from "./version.ts";

export const commands: readonly Command[] = [
  runCommand,
  checkCommand,
  demoCommand,
  schemaCommand,
  versionCommand,
];
