/** The next iteration of Deno's event loop; the only importer of node:timers. */
import { setImmediate } from "node:timers";

/** Resolves in the next iteration of Deno's event loop, behind what is ready in this one. */
export function nextIteration(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
