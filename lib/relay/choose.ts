/** Which engine a machine, its permissions and the configuration allow. */
import type { EngineName } from "../values/words.ts";
import { engines, enginesByPreference, type Obstacle } from "./engines.ts";

/** The engine to run, and why it is that one; or why the one that was asked for cannot run. */
export type Choice =
  | {
    readonly kind: "chosen";
    readonly engine: EngineName;
    readonly reason: string;
    /** Whether a faster one should run here and does not. */
    readonly warn: boolean;
  }
  | { readonly kind: "impossible"; readonly problem: string };

/** Chooses: `auto` takes the first of the table that can run, and says what stands in the way of those before it. */
export async function chooseEngine(
  asked: "auto" | EngineName,
  obstacleOf: (name: EngineName) => Promise<Obstacle | undefined> = (name) => engines[name].obstacle(),
): Promise<Choice> {
  if (asked !== "auto") {
    const obstacle = await obstacleOf(asked);
    if (obstacle === undefined) return { kind: "chosen", engine: asked, reason: "configured", warn: false };
    const others = enginesByPreference.filter((name) => name !== asked).join(" or ");
    return {
      kind: "impossible",
      problem: `engine ${asked} cannot run: ${obstacle.why}; write auto or ${others}`,
    };
  }
  const obstacles: string[] = [];
  let warn = false;
  for (const engine of enginesByPreference) {
    const obstacle = await obstacleOf(engine);
    if (obstacle === undefined) {
      const reason = obstacles.length === 0 ? "this machine can run it" : obstacles.join("; ");
      return { kind: "chosen", engine, reason, warn };
    }
    obstacles.push(`${engine} cannot run: ${obstacle.why}`);
    warn ||= obstacle.broken;
  }
  return { kind: "impossible", problem: obstacles.join("; ") };
}
