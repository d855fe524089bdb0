/** Which engine a machine, its permissions and the configuration allow. */
import { openLibc } from "./linux/libc.ts";
import { selfTest } from "./linux/self_test.ts";

/** The engine to run, and why it is that one; or why the one that was asked for cannot run. */
export type Choice =
  | {
    readonly kind: "chosen";
    readonly engine: "portable" | "linux";
    readonly reason: string;
    /** Whether linux should run here and does not. */
    readonly warn: boolean;
  }
  | { readonly kind: "impossible"; readonly problem: string };

/** Where linux cannot run; `broken`: it could be expected to. */
interface Obstacle {
  readonly why: string;
  readonly broken: boolean;
}

/** Chooses: `auto` takes linux where it can run and works, with the reason where it does not. `test`: see `selfTest`. */
export async function chooseEngine(
  asked: "auto" | "portable" | "linux",
  test: () => Promise<string | undefined> = () => selfTest(),
): Promise<Choice> {
  if (asked === "portable") return { kind: "chosen", engine: "portable", reason: "configured", warn: false };
  const obstacle = await obstacleToLinux(test);
  if (obstacle === undefined) {
    const reason = asked === "linux" ? "configured" : "this machine can run it";
    return { kind: "chosen", engine: "linux", reason, warn: false };
  }
  const { why, broken } = obstacle;
  if (asked === "auto") {
    return { kind: "chosen", engine: "portable", reason: `linux cannot run: ${why}`, warn: broken };
  }
  return { kind: "impossible", problem: `engine linux cannot run: ${why}; write auto or portable` };
}

async function obstacleToLinux(test: () => Promise<string | undefined>): Promise<Obstacle | undefined> {
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
