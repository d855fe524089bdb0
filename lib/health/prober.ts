import { formatDuration } from "../values/duration.ts";
import type { Clock } from "../values/clock.ts";
import { systemClock } from "./clock.ts";
import { Deadlines } from "./deadlines.ts";
import { programFaultOf } from "./faults.ts";
import { type Connect, Dialler, type DiallerOptions } from "./probes/dial.ts";
import { hasIpv6 } from "./probes/ipv6.ts";
import { probeOf } from "./probes/kinds.ts";
import type { ProbeOutcome } from "./probes/outcome.ts";
import { UrlClient } from "./probes/url.ts";
import type { ProbedSpec, ProbeResult, ProbeTarget } from "./spec.ts";
import { type CutCause, starvedDetail, TimeLimit } from "./time_limit.ts";

export interface ProberOptions {
  readonly clock?: Clock;
  /** Deno.connect, or what a test puts in its place. */
  readonly connect?: Connect;
  /** Whether this machine has IPv6, or what a test puts in its place. */
  readonly hasIpv6?: () => boolean;
}

export interface ProbeOptions {
  /** Ends the probe soon, as inconclusive. */
  readonly signal: AbortSignal;
  /** The address that worked last; it is dialled first. */
  readonly preferred?: string | undefined;
}

/** Free read buffers that are kept. */
const maxFreeBuffers = 64;

/** Probes targets, and owns what its probes share: a timer, read buffers, a client for URLs. Dispose it at the end. */
export class Prober implements Disposable {
  readonly #clock: Clock;
  readonly #dialling: Omit<DiallerOptions, "preferred">;
  readonly #deadlines: Deadlines;
  readonly #urlClient = new UrlClient();
  readonly #freeBuffers: Uint8Array<ArrayBuffer>[] = [];

  constructor(options: ProberOptions = {}) {
    const { clock = systemClock } = options;
    this.#clock = clock;
    this.#dialling = { connect: Deno.connect, hasIpv6, ...options };
    this.#deadlines = new Deadlines(clock);
  }

  /** Probes a target once. Never rejects and leaves nothing open. How many run at once is for the caller to bound. */
  async probe(
    spec: ProbedSpec,
    target: ProbeTarget,
    { signal, preferred }: ProbeOptions,
  ): Promise<ProbeResult> {
    if (target.addresses.length === 0) {
      return { outcome: "failed", ms: 0, detail: target.unresolved ?? "no address", address: undefined };
    }
    const startedAt = this.#clock.now();
    using limit = new TimeLimit(spec.timing.timeoutMs, { deadlines: this.#deadlines, outer: signal });
    const dialler = new Dialler({ ...this.#dialling, preferred });
    const outcome = await this.#run(spec, { target, limit, dialler });
    const { address } = dialler;
    const judged = judge(outcome, { cause: limit.cause, timeoutMs: spec.timing.timeoutMs });
    const named = address !== undefined && target.addresses.length > 1;
    return {
      outcome: judged.outcome,
      ms: this.#clock.now() - startedAt,
      detail: named ? `${address}: ${judged.detail}` : judged.detail,
      address,
    };
  }

  [Symbol.dispose](): void {
    this.#deadlines[Symbol.dispose]();
    this.#urlClient[Symbol.dispose]();
  }

  async #run(
    spec: ProbedSpec,
    { target, limit, dialler }: {
      readonly target: ProbeTarget;
      readonly limit: TimeLimit;
      readonly dialler: Dialler;
    },
  ): Promise<ProbeOutcome> {
    const tools = {
      limit,
      dialler,
      urlClient: this.#urlClient,
      takeBuffer: this.#takeBuffer,
      returnBuffer: this.#returnBuffer,
    };
    try {
      return await probeOf(spec)(spec, { target, tools });
    } catch (error) {
      // Whatever Deno throws where nobody expects it must not end more than this probe.
      return { kind: "localFault", detail: programFaultOf(error).detail };
    }
  }

  readonly #takeBuffer = () => this.#freeBuffers.pop() ?? new Uint8Array(4096);

  readonly #returnBuffer = (buffer: Uint8Array<ArrayBuffer>) => {
    if (this.#freeBuffers.length < maxFreeBuffers) this.#freeBuffers.push(buffer);
  };
}

function judge(
  outcome: ProbeOutcome,
  { cause, timeoutMs }: { readonly cause: CutCause | undefined; readonly timeoutMs: number },
): Pick<ProbeResult, "outcome" | "detail"> {
  if (outcome.kind === "localFault") return { outcome: "inconclusive", detail: outcome.detail };
  if (outcome.kind !== "cut") return { outcome: outcome.kind, detail: outcome.detail };
  if (cause === "starved") return { outcome: "inconclusive", detail: starvedDetail };
  if (cause !== "timeout") return { outcome: "inconclusive", detail: "stopped" };
  const words = outcome.answering ? "answer not complete within" : "no answer within";
  return { outcome: "failed", detail: `${words} ${formatDuration(timeoutMs)}` };
}
