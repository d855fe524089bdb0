import { times } from "../support/soak.ts";
import { runSchedule } from "./model/schedule.ts";

/** Schedules are numbered from here; the seed of each is its number. */
const firstSeed = 20_260_101;

/** The seeds to run: `MODEL_SEED` alone, or as many as the form of the test has. */
function seeds(): { readonly first: number; readonly count: number } {
  const alone = Deno.env.get("MODEL_SEED");
  if (alone !== undefined) return { first: Number(alone), count: 1 };
  return { first: firstSeed, count: times({ short: 20_000, long: 1_000_000 }) };
}

async function explained(seed: number, cause: unknown): Promise<Error> {
  const steps: string[] = [];
  await runSchedule(seed, (what) => steps.push(what)).catch(() => {});
  const what = cause instanceof Error ? cause.message : String(cause);
  return new Error(`${what}\nMODEL_SEED=${seed}, schedule ${seed - firstSeed}:\n  ${steps.join("\n  ")}`, {
    cause,
  });
}

Deno.test("the linux engine agrees with a model of the kernel in random schedules", async () => {
  const { first, count } = seeds();
  for (let seed = first; seed < first + count; seed++) {
    try {
      await runSchedule(seed);
    } catch (error) {
      throw await explained(seed, error);
    }
  }
});
