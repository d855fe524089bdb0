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
  /** What each thread has taken of the places, so that they can be given back for one that has died. */
  readonly held: readonly Int32Array[];
  /** Which descriptors belong to each thread, a byte for each, where no engine of Deno's closes them. */
  readonly owned: readonly Uint8Array[];
}

/** More descriptors than a process can have on a machine that was not tuned for more (fs.nr_open). */
const mostDescriptors = 1_048_576;

/** Makes zeroed memory for so many data-plane threads. */
export function allocateMemory(workers: number): SharedMemory {
  const each = (bytes: number) => Array.from({ length: workers }, () => new SharedArrayBuffer(bytes));
  const countBytes = capacity.places * countFields.length * Float64Array.BYTES_PER_ELEMENT;
  return {
    pools: allocatePoolMemory({ targets: capacity.places, pools: capacity.pools }),
    counts: each(countBytes).map((bytes) => new Float64Array(bytes)),
    held: each(capacity.places * Int32Array.BYTES_PER_ELEMENT).map((bytes) => new Int32Array(bytes)),
    owned: each(mostDescriptors).map((bytes) => new Uint8Array(bytes)),
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
