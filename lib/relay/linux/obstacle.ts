/** What stands in the way of the linux engine on this machine. */
import { openLibc } from "./libc.ts";
import { selfTest } from "./self_test.ts";

/** Why it cannot run, undefined when it can; `broken`: it could be expected to. `test`: see `selfTest`. */
export async function linuxObstacle(
  test: () => Promise<string | undefined> = () => selfTest(),
): Promise<{ readonly why: string; readonly broken: boolean } | undefined> {
  if (Deno.build.os !== "linux") return { why: `this is ${Deno.build.os}`, broken: false };
  try {
    openLibc().close();
  } catch (error) {
    // Another C library than glibc, musl for instance, is no fault.
    const why = error instanceof Deno.errors.NotCapable ? "no FFI permission" : String(error);
    return { why, broken: false };
  }
  const failure = await test();
  return failure === undefined ? undefined : { why: `its self-test failed: ${failure}`, broken: true };
}
