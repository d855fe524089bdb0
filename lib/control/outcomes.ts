/** What comes of a start and of a reload. */
import type { EngineName } from "../values/words.ts";
import type { Refused } from "./binder.ts";
import type { Change } from "./change.ts";

/** What was decided at the start. */
export interface Started {
  readonly engine: EngineName;
  readonly engineReason: string;
  /** The faster engine should run here and does not. */
  readonly engineWarning: boolean;
  /** Whether the descriptors for so many sessions could be counted. */
  readonly descriptorsCounted: boolean;
}

/** The balancer cannot start as it is configured; the message says why. */
export class StartError extends Error {}

/** What came of a reload. */
export type Reloaded =
  | { readonly kind: "reloaded"; readonly change: Change }
  | Refused;

/** What comes of one that a drain or a stop has overtaken. */
export const stopping: Refused = { kind: "refused", problem: "lb is stopping" };
