import type { SharedMemory } from "./layout.ts";
import { Permits } from "./permits.ts";
import { PoolLock } from "./pool_lock.ts";
import { PoolWords } from "./pool_words.ts";
import { TargetWords } from "./target_words.ts";

/** What a pick reads and writes of the memory that all threads share. */
export interface Shared {
  readonly permits: Permits;
  readonly lock: PoolLock;
  readonly pools: PoolWords;
  readonly targets: TargetWords;
}

/** One thread's views of the memory; `held` is where it notes the permits that are its own. */
export function sharedViews(memory: SharedMemory, held?: Int32Array): Shared {
  return {
    permits: new Permits(memory, held),
    lock: new PoolLock(memory),
    pools: new PoolWords(memory),
    targets: new TargetWords(memory),
  };
}
