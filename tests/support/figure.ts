/** Figures of the acceptance table that only a quiet machine can keep. */
import assert from "node:assert/strict";
import { soak } from "./soak.ts";

/** In the long form prints a figure, and fails when it is more than it may be. */
export function figure(
  what: string,
  { is, most, unit }: { readonly is: number; readonly most: number; readonly unit: string },
): void {
  if (!soak) return;
  const told = `${what}: ${is.toFixed(1)} ${unit}, at most ${most.toFixed(1)}`;
  Deno.stdout.writeSync(new TextEncoder().encode(`${told}\n`));
  assert.ok(is <= most, told);
}
