/** Which engine a machine, its permissions and the configuration allow. */
import { openLibc } from "./linux/libc.ts";

/** The engine to run, and why it is that one; or why the one that was asked for cannot run. */
export type Choice =
  | { readonly kind: "chosen"; readonly engine: "portable" | "linux"; readonly reason: string }
  | { readonly kind: "impossible"; readonly problem: string };

/** Chooses: `auto` takes linux where it can run, with the reason where it cannot. */
export function chooseEngine(asked: "auto" | "portable" | "linux"): Choice {
  if (asked === "portable") return { kind: "chosen", engine: "portable", reason: "configured" };
  const obstacle = obstacleToLinux();
  if (obstacle === undefined) {
    return {
      kind: "chosen",
      engine: "linux",
      reason: asked === "linux" ? "configured" : "this machine can run it",
    };
  }
  if (asked === "auto") {
    return { kind: "chosen", engine: "portable", reason: `linux cannot run: ${obstacle}` };
  }
  return { kind: "impossible", problem: `engine linux cannot run: ${obstacle}; write auto or portable` };
}

function obstacleToLinux(): string | undefined {
  if (Deno.build.os !== "linux") return `this is ${Deno.build.os}`;
  try {
    openLibc().close();
    return undefined;
  } catch (error) {
    return error instanceof Deno.errors.NotCapable ? "no FFI permission" : String(error);
  }
}
