/** How many repetitions a scenario makes. */

/** Whether the long form runs: `SOAK=1`. */
export const soak: boolean = Deno.env.get("SOAK") === "1";

/** The count of the long form with `SOAK=1`, that of the short form otherwise. */
export function times({ short, long }: { readonly short: number; readonly long: number }): number {
  return soak ? long : short;
}
