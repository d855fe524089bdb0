/**
 * An open-loop client: sends each request when it is due, whether or not earlier ones are answered, and counts its
 * latency from when it was due. A stall is thus felt by every request that fell into it, not by one for each
 * connection. A program of its own; prints its result as JSON.
 */
import { arrivalsMs } from "./arrivals.ts";
import { PacedSockets } from "./paced_sockets.ts";
import type { PacedLoad, PacedResult } from "./paced.ts";
import { quantile } from "./statistics.ts";

const request = Uint8Array.from(new TextEncoder().encode("GET /small HTTP/1.1\r\nHost: bench\r\n\r\n"));
const buffer = new Uint8Array(16 * 1024);
/** How long the last answers may take. */
const graceMs = 2_000;
/** A client that comes later than this to its next request was held up. */
const stallMs = 0.25;

function main([words = "{}"]: readonly string[]): void {
  const load = JSON.parse(words) as PacedLoad;
  using sockets = new PacedSockets(load, load.connections);
  const answerBytes = firstAnswer(sockets, load.connections);
  // Not counted: this program and the relay of each connection get warm.
  const warmUp = pace(sockets, { ...load, seconds: 0.5, seed: load.seed + 1000 }, answerBytes);
  if (warmUp.answered < warmUp.due) throw new Error("requests of the warm-up were never answered");
  const result = pace(sockets, load, answerBytes);
  const whole: PacedResult = { ...result, warmUpAnswered: warmUp.answered + load.connections };
  Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(whole)));
}

/** One request on each connection, one after the other; the length of the answer, which is the same for all. */
function firstAnswer(sockets: PacedSockets, connections: number): number {
  let bytes = 0;
  for (let index = 0; index < connections; index++) {
    sockets.send(index, request);
    if (sockets.wait(graceMs) !== 1) throw new Error("no answer");
    const received = sockets.receive(index, buffer);
    const text = new TextDecoder().decode(buffer.subarray(0, Math.max(0, received)));
    const head = /^HTTP\/1\.1 200 [^]*?Content-Length: (\d+)[^]*?\r\n\r\n/.exec(text);
    if (head === null || head[0].length + Number(head[1]) !== received) {
      throw new Error(`not the answer wanted: ${text}`);
    }
    bytes = received;
  }
  return bytes;
}

type Paced = Omit<PacedResult, "warmUpAnswered">;

function pace(sockets: PacedSockets, load: PacedLoad, answerBytes: number): Paced {
  const loop = new OpenLoop(sockets, load, answerBytes);
  const startedAt = performance.now();
  const giveUpMs = load.seconds * 1000 + graceMs;
  const clock = () => performance.now() - startedAt;
  let now = 0;
  while (loop.unfinished && now < giveUpMs) {
    const waitMs = loop.sendDue(clock) - clock();
    loop.receive(Math.max(0, Math.min(waitMs, giveUpMs - now)), clock);
    now = clock();
  }
  return loop.result(now);
}

/** The state of one load. Moments are ms since its start. */
class OpenLoop {
  readonly #sockets: PacedSockets;
  readonly #answerBytes: number;
  readonly #due: Float64Array;
  readonly #free: number[];
  readonly #dueOf: Float64Array;
  readonly #sentAt: Float64Array;
  readonly #got: Int32Array;
  readonly #latencyMs: number[] = [];
  readonly #serviceMs: number[] = [];
  #next = 0;
  #noneFreeUntil = 0;
  #stalledMs = 0;

  constructor(
    sockets: PacedSockets,
    { ratePerS, seconds, seed, connections }: PacedLoad,
    answerBytes: number,
  ) {
    this.#sockets = sockets;
    this.#answerBytes = answerBytes;
    this.#due = arrivalsMs({ perS: ratePerS, seconds, seed });
    this.#free = Array.from({ length: connections }, (_, index) => index);
    this.#dueOf = new Float64Array(connections);
    this.#sentAt = new Float64Array(connections);
    this.#got = new Int32Array(connections);
  }

  get unfinished(): boolean {
    return this.#latencyMs.length < this.#due.length;
  }

  /** Sends what is due as far as connections are free; gives the moment when the next one can be sent. */
  sendDue(clock: () => number): number {
    const first = this.#next;
    for (; this.#next < this.#due.length; this.#next++) {
      const now = clock();
      const due = this.#due[this.#next]!;
      if (due > now) return due;
      const index = this.#free.shift();
      if (index === undefined) {
        this.#noneFreeUntil = Infinity;
        return Infinity;
      }
      // While no connection was free the server was late, not the client.
      const lateMs = now - Math.max(due, this.#noneFreeUntil);
      if (this.#next === first && lateMs > stallMs) this.#stalledMs += lateMs;
      this.#dueOf[index] = due;
      this.#sentAt[index] = now;
      if (!this.#sockets.send(index, request)) throw new Error("a connection took no request");
    }
    return Infinity;
  }

  /** Waits for answers, at most `waitMs`, and takes them. */
  receive(waitMs: number, clock: () => number): void {
    const ready = this.#sockets.wait(waitMs);
    for (let nth = 0; nth < ready; nth++) {
      const index = this.#sockets.readable(nth);
      const received = this.#sockets.receive(index, buffer);
      if (received <= 0) throw new Error("a connection was closed");
      this.#got[index]! += received;
      if (this.#got[index]! < this.#answerBytes) continue;
      const now = clock();
      this.#latencyMs.push(now - this.#dueOf[index]!);
      this.#serviceMs.push(now - this.#sentAt[index]!);
      this.#got[index] = 0;
      this.#free.push(index);
    }
    if (this.#noneFreeUntil === Infinity && this.#free.length > 0) this.#noneFreeUntil = clock();
  }

  result(endedMs: number): Paced {
    const answered = this.#latencyMs.length;
    // What was never answered has waited at least until now.
    const inFlight = this.#dueOf.filter((_, index) => !this.#free.includes(index));
    const unanswered = [...inFlight, ...this.#due.subarray(this.#next)].map((atMs) => endedMs - atMs);
    const latency = Float64Array.from([...this.#latencyMs, ...unanswered]).sort();
    return {
      due: this.#due.length,
      answered,
      elapsedMs: endedMs,
      p50Ms: quantile(latency, 0.5),
      p99Ms: quantile(latency, 0.99),
      p999Ms: quantile(latency, 0.999),
      maxMs: quantile(latency, 1),
      serviceP99Ms: quantile(Float64Array.from(this.#serviceMs).sort(), 0.99),
      clientStalledMs: this.#stalledMs,
    };
  }
}

if (import.meta.main) main(Deno.args);
