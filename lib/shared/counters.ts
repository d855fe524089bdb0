import { type CounterField, counterFields, type SharedMemory } from "./layout.ts";

export type Counters = { readonly [field in CounterField]: number };

/** Adds to a counter in the calling thread's own region. */
export function count(
  region: Float64Array,
  counter: { readonly slot: number; readonly field: CounterField },
  amount = 1,
): void {
  const index = counter.slot * counterFields.length + counterFields.indexOf(counter.field);
  region[index] = (region[index] ?? 0) + amount;
}

/** The sums over all threads. */
export function countersOf({ counters }: Pick<SharedMemory, "counters">, slot: number): Counters {
  const sum = (field: CounterField) =>
    counters.reduce(
      (total, region) => total + (region[slot * counterFields.length + counterFields.indexOf(field)] ?? 0),
      0,
    );
  return {
    total: sum("total"),
    failed: sum("failed"),
    receivedBytes: sum("receivedBytes"),
    sentBytes: sum("sentBytes"),
  };
}

/** Forgets what was counted for a slot, before it gets another owner; no thread may be using it. */
export function clearCounters({ counters }: Pick<SharedMemory, "counters">, slot: number): void {
  for (const region of counters) {
    region.fill(0, slot * counterFields.length, (slot + 1) * counterFields.length);
  }
}
