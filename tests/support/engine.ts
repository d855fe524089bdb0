/** Which engine the program under test runs. */

import type { EngineName } from "../../lib/values/words.ts";

/**
 * LB_ENGINE, else what this machine can run. The tests grant the program FFI for linux alone, and `process.engine: auto`
 * takes what that allows; a binary (LB_BINARY) has its permissions built in, so that LB_ENGINE has to say which it is.
 */
export const engine: EngineName = chosen(Deno.env.get("LB_ENGINE"));

function chosen(name: string | undefined): EngineName {
  if (name === undefined) return Deno.build.os === "linux" ? "linux" : "portable";
  if (name === "linux" || name === "portable") return name;
  throw new Error(`LB_ENGINE: ${JSON.stringify(name)}: wanted linux or portable`);
}
