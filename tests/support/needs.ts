/** Tests that need more of the machine than Deno. */
import assert from "node:assert/strict";

/** What a test needs. */
export interface Needs {
  /** Commands that a package of the system brings. */
  readonly programs?: readonly string[];
  /** What else keeps it from running, such as a right that is missing; undefined when nothing does. */
  readonly obstacle?: string | undefined;
}

/**
 * Registers a test. Where the machine lacks what it needs, it is skipped with the reason in its name; but with
 * LB_REQUIRE_TOOLS=1, as `.ci/run` has it, a missing program fails it: that could have been installed.
 */
export function testWith({ programs = [], obstacle }: Needs, name: string, fn: () => Promise<void>): void {
  const lacking = missing(programs);
  if (lacking.length > 0 && Deno.env.get("LB_REQUIRE_TOOLS") === "1") {
    Deno.test(name, () => assert.fail(`needs ${lacking.join(", ")}, and LB_REQUIRE_TOOLS=1 allows no skip`));
    return;
  }
  const reason = lacking.length > 0 ? `needs ${lacking.join(", ")}` : obstacle;
  if (reason === undefined) Deno.test(name, fn);
  else Deno.test({ name: `${name} (skipped: ${reason})`, ignore: true, fn });
}

/** The programs among these that this machine does not have. */
export function missing(programs: readonly string[]): string[] {
  const folders = (Deno.env.get("PATH") ?? "").split(":").concat("/usr/sbin", "/sbin");
  return programs.filter((program) => !folders.some((folder) => isFile(`${folder}/${program}`)));
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
