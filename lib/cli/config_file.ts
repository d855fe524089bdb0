/** Reads a configuration file, for every command that takes one. */
import { loadConfig, type Loaded } from "../config/load.ts";
import { errorCode, systemWords } from "../values/system_error.ts";
import { readRegularFile, statRegularFile } from "./regular_file.ts";

/** No configuration is larger; more is not read into memory. */
export const maxConfigBytes = 1024 * 1024;

/** What reading gave: a configuration with notes, or everything that is wrong with the file. */
export type ConfigFile = Loaded;

/**
 * Reads and checks a file. Never throws: a file that cannot be read is a diagnostic too. It reads in this thread: an
 * asynchronous read needs one more thread, and where the system refuses that, Deno ends the process.
 */
export function readConfig(path: string, env: (name: string) => string | undefined): ConfigFile {
  const read = readText(path);
  return "problem" in read
    ? { diagnostics: [{ file: path, line: 1, column: 1, path: "", message: read.problem }], more: 0 }
    : loadConfig(read.text, { file: path, env });
}

function readText(path: string): { readonly text: string } | { readonly problem: string } {
  try {
    const found = statRegularFile(path, maxConfigBytes);
    if (found.kind === "notAFile") return { problem: "not a file; name a YAML file with -c" };
    if (found.kind === "tooLarge") return { problem: tooLarge(found.bytes) };
    const bytes = readRegularFile(path, maxConfigBytes + 1);
    if (bytes.length > maxConfigBytes) return { problem: tooLarge(bytes.length) };
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch (error) {
    return { problem: whyUnreadable(path, error) };
  }
}

function tooLarge(bytes: number): string {
  return `${bytes} bytes, wanted at most ${maxConfigBytes}; a configuration is never that large`;
}

function whyUnreadable(path: string, error: unknown): string {
  if (error instanceof Deno.errors.NotFound) {
    return isWorkingFolderGone(path)
      ? "the working folder is gone; name the file with its whole path (-c /etc/lb.yaml)"
      : "no such file; name another with -c, or see `lb help run` for a first one";
  }
  if (error instanceof TypeError) return "not UTF-8 text";
  const words = systemWords(errorCode(error) ?? "");
  return `cannot be read: ${words ?? (error instanceof Error ? error.message : String(error))}`;
}

function isWorkingFolderGone(path: string): boolean {
  if (path.startsWith("/")) return false;
  try {
    Deno.cwd();
    return false;
  } catch {
    return true;
  }
}
