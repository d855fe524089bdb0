/** Reads a configuration file, for every command that takes one. */
import { loadConfig, type Loaded } from "../config/load.ts";

/** No configuration is larger; more is not read into memory. */
const mostBytes = 1024 * 1024;

/** What reading gave: a configuration with notes, or everything that is wrong with the file. */
export type ConfigFile = Loaded;

/** Reads and checks a file. Never throws: a file that cannot be read is a diagnostic too. */
export async function readConfig(
  path: string,
  env: (name: string) => string | undefined,
): Promise<ConfigFile> {
  const unreadable = (message: string): ConfigFile => ({
    diagnostics: [{ file: path, line: 1, column: 1, path: "", message }],
    more: 0,
  });
  let text: string;
  try {
    const info = await Deno.stat(path);
    if (!info.isFile) return unreadable("not a file; name a YAML file with -c");
    if (info.size > mostBytes) {
      return unreadable(
        `${info.size} bytes, wanted at most ${mostBytes}; a configuration is never that large`,
      );
    }
    text = new TextDecoder("utf-8", { fatal: true }).decode(await Deno.readFile(path));
  } catch (error) {
    return unreadable(whyUnreadable(error));
  }
  return loadConfig(text, { file: path, env });
}

function whyUnreadable(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) {
    return "no such file; name another with -c, or see `lb help run` for a first one";
  }
  if (error instanceof Deno.errors.PermissionDenied) return "cannot be read: permission denied";
  if (error instanceof TypeError) return "not UTF-8 text";
  return `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
}
