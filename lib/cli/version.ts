import project from "../../deno.json" with { type: "json" };
import { type Command, exit } from "./command.ts";

/** The version of this program, from deno.json. */
export const version: string = project.version;

/** `lb version` */
export const versionCommand: Command = {
  name: "version",
  summary: "Say which version this is",
  synopsis: "[--json]",
  help: "Prints the version of lb and of the Deno it runs on.",
  options: { json: { type: "boolean" } },
  run({ values, terminal }) {
    const about = { version, deno: Deno.version.deno, os: Deno.build.os, arch: Deno.build.arch };
    const isPrinted = terminal.print(
      values["json"]
        ? JSON.stringify(about)
        : `lb ${version} (Deno ${about.deno}, ${about.os} ${about.arch})`,
    );
    return Promise.resolve(isPrinted ? exit.ok : exit.failed);
  },
};
