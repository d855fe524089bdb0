/** The memory that all threads share: places taken, and each thread's own counts. */
import { allocatePoolMemory, type PoolMemory } from "../pool/shared.ts";

/** How many targets and listeners there can be at once, and how many pools. Untouched memory costs nothing. */
export const capacity = { places: 16_384, pools: 1_024 } as const;

/** What is counted for a listener or a target. Whole numbers, exact up to 2^53. */
export const countFields = ["total", "failed", "receivedBytes", "sentBytes"] as const;
export type CountField = typeof countFields[number];
export type Counts = { readonly [field in CountField]: number };

/** Handed to every thread by `postMessage`. */
export interface SharedMemory {
  readonly pools: PoolMemory;
  /** One region a thread: only its owner writes there, so that counting takes no lock. */
  readonly counts: readonly Float64Array[];
}

/** Makes zeroed memory for so many data-plane threads. */
export function allocateMemory(workers: number): SharedMemory {
  const bytes = capacity.places * countFields.length * Float64Array.BYTES_PER_ELEMENT;
  return {
    pools: allocatePoolMemory({ targets: capacity.places, pools: capacity.pools }),
    counts: Array.from({ length: workers }, () => new Float64Array(new SharedArrayBuffer(bytes))),
  };
}

/** Adds to a count of the calling thread's own region. */
export function count(region: Float64Array, place: { slot: number; field: CountField }, amount = 1): void {
  const index = place.slot * countFields.length + countFields.indexOf(place.field);
  region[index] = (region[index] ?? 0) + amount;
}

/** The sums over all threads. */
export function countsOf(memory: SharedMemory, slot: number): Counts {
  const sum = (field: CountField) =>
    memory.counts.reduce(
      (total, region) => total + (region[slot * countFields.length + countFields.indexOf(field)] ?? 0),
      0,
    );
  return {
    total: sum("total"),
    failed: sum("failed"),
    receivedBytes: sum("receivedBytes"),
    sentBytes: sum("sentBytes"),
  };
}

/** Forgets what was counted under a slot, before it gets another owner; no thread may be using it. */
export function clearCounts(memory: SharedMemory, slot: number): void {
  for (const region of memory.counts) {
    region.fill(0, slot * countFields.length, (slot + 1) * countFields.length);
  }
}
