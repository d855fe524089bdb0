/** The memory that all threads share: what is in it, and how much of it. */

/** How many slots (process, listeners, targets) and pools there can be at once. Untouched memory costs nothing. */
export const capacity = { slots: 16_384, pools: 1_024 } as const;

/** More descriptors than a process can have on a machine that was not tuned for more (fs.nr_open). */
const maxDescriptors = 1_048_576;

/** Words of one pool: a cache line, so that a lock which threads spin on does not slow down its neighbours. */
export const poolWordCount = 16;

/** Words of one target. */
export const targetWordCount = 8;

/** Numbers of one pool in the queue heads of a thread. */
export const queueHeadNumbers = 2;

/** What is counted for a listener or a target. Whole numbers, exact up to 2^53. */
export const counterFields = ["total", "failed", "receivedBytes", "sentBytes"] as const;
export type CounterField = typeof counterFields[number];

/** Handed to every thread by `postMessage`, which shares it. Rows are numbered by slot unless said otherwise. */
export interface SharedMemory {
  /** Permits taken, all threads together: see Permits. */
  readonly permits: Int32Array;
  /** Running weights of round robin: see PoolLock. */
  readonly runningWeights: Int32Array;
  /** State and weight of each target: see TargetWords. */
  readonly targets: Int32Array;
  /** Lock, tie and epoch of each pool, by pool slot: see PoolLock and PoolWords. */
  readonly pools: Int32Array;
  /** Clients that wait for a target of each pool, all threads together, by pool slot: permits of the queue, see Permits. */
  readonly queued: Int32Array;
  /** Of those, how many wait in each thread, so that they can be taken out for one that has died. */
  readonly heldQueued: readonly Int32Array[];
  /** Since when the first in line waits, and when it was looked after last, by pool slot, a region for each thread: see QueueHeads. */
  readonly queueHeads: readonly Float64Array[];
  /** The oldest revision that each thread still uses, by thread: see Readers. */
  readonly readers: Int32Array;
  /** How many sessions each thread has begun since the process started, by thread. */
  readonly sessionNumbers: Float64Array;
  /** One region for each thread: only its owner writes there, so that counting takes no lock. */
  readonly counters: readonly Float64Array[];
  /** The permits that each thread holds, so that they can be given back for one that has died. */
  readonly held: readonly Int32Array[];
  /** Which descriptors belong to each thread, a byte for each, where Deno does not close them itself. */
  readonly descriptors: readonly Uint8Array[];
}

/** Makes zeroed memory for so many data-plane threads. */
export function allocateMemory(
  threads: number,
  { slots, pools }: { readonly slots: number; readonly pools: number } = capacity,
): SharedMemory {
  const each = (bytes: number) => Array.from({ length: threads }, () => new SharedArrayBuffer(bytes));
  const words = (count: number) =>
    new Int32Array(new SharedArrayBuffer(count * Int32Array.BYTES_PER_ELEMENT));
  const counterBytes = slots * counterFields.length * Float64Array.BYTES_PER_ELEMENT;
  return {
    permits: words(slots),
    runningWeights: words(slots),
    targets: words(slots * targetWordCount),
    pools: words(pools * poolWordCount),
    queued: words(pools),
    heldQueued: each(pools * Int32Array.BYTES_PER_ELEMENT).map((bytes) => new Int32Array(bytes)),
    queueHeads: each(pools * queueHeadNumbers * Float64Array.BYTES_PER_ELEMENT).map((bytes) =>
      new Float64Array(bytes)
    ),
    readers: words(threads),
    sessionNumbers: new Float64Array(new SharedArrayBuffer(threads * Float64Array.BYTES_PER_ELEMENT)),
    counters: each(counterBytes).map((bytes) => new Float64Array(bytes)),
    held: each(slots * Int32Array.BYTES_PER_ELEMENT).map((bytes) => new Int32Array(bytes)),
    descriptors: each(maxDescriptors).map((bytes) => new Uint8Array(bytes)),
  };
}
