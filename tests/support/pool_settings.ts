import type { PoolSpec } from "../../lib/pool/pool.ts";

/** What a pool of a snapshot has where its test is about something else: nobody is held, nobody ejected. */
export const poolSettings: Pick<
  PoolSpec,
  "tables" | "retry" | "queueSize" | "holdMs" | "failOpen" | "maxFailures"
> = {
  tables: [],
  retry: { attempts: 3, pauseMs: 1_000 },
  queueSize: 1_000,
  holdMs: 0,
  failOpen: false,
  maxFailures: Infinity,
};
