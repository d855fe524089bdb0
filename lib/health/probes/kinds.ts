import type { ProbedSpec, ProbeTarget } from "../spec.ts";
import type { TimeLimit } from "../time_limit.ts";
import type { Dialler } from "./dial.ts";
import { probeHttp } from "./http.ts";
import type { ProbeOutcome } from "./outcome.ts";
import { probeTcp } from "./tcp.ts";
import type { UrlClient } from "./url.ts";
import { probeUrl } from "./url.ts";

/** What a probe works with. */
export interface ProbeTools {
  /** Ends the probe. */
  readonly limit: TimeLimit;
  /** Connects to the target's addresses, in order. */
  readonly dialler: Dialler;
  /** For the length of one read. */
  readonly takeBuffer: () => Uint8Array<ArrayBuffer>;
  readonly returnBuffer: (buffer: Uint8Array<ArrayBuffer>) => void;
  readonly urlClient: UrlClient;
}

/** What is probed, and what with. */
export interface ProbeInput {
  readonly target: ProbeTarget;
  readonly tools: ProbeTools;
}

/**
 * Probes a target once. Ends soon after the limit's signal aborts, with nothing left open. A rejection is a fault of this
 * program, and the target's result is inconclusive.
 */
export type Probe<Spec extends ProbedSpec> = (spec: Spec, input: ProbeInput) => Promise<ProbeOutcome>;

/** The kinds of checks. */
const kinds: { readonly [Kind in ProbedSpec["check"]]: Probe<ProbedSpec & { readonly check: Kind }> } = {
  tcp: probeTcp,
  http: probeHttp,
  https: probeHttp,
  url: probeUrl,
};

/** The probe of a spec's kind. */
export function probeOf<Spec extends ProbedSpec>(spec: Spec): Probe<Spec> {
  // The row for a kind takes the specs of that kind; TypeScript does not follow a key and its value together.
  return kinds[spec.check] as Probe<ProbedSpec>;
}
