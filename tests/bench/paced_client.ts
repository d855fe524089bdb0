/**
 * An open-loop client: sends each request when it is due, whether or not earlier ones are answered, and counts its
 * latency from when it was due. A stall is thus felt by every request that fell into it, not by one for each
 * connection. A program of its own; prints its result as JSON.
 */
import { arrivalsMs } from "./arrivals.ts";
import { PacedSockets } from "./paced_sockets.ts";
import type { PacedLoad, PacedResult } from "./paced.ts";
import { quantile } from "./statistics.ts";

const request = new TextEncoder().encode("GET /small HTTP/1.1\r\nHost: bench\r\n\r\n");
const buffer = new Uint8Array(16 * 1024);
/** How long the last answers may take. */
const graceMs = 2_000;

function main([words = "{}"]: readonly string[]): void {
  const load = JSON.parse(words) as PacedLoad;
  using sockets = new PacedSockets(load.port, load.connections);
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
  const due = arrivalsMs({ perS: load.ratePerS, seconds: load.seconds, seed: load.seed });
  const latencyMs: number[] = [];
  const lateMs: number[] = [];
  const idle = Array.from({ length: load.connections }, (_, index) => index);
  const dueOf = new Float64Array(load.connections);
  const got = new Int32Array(load.connections);
  let next = 0, open = 0, broken = 0;
  const startedAt = performance.now();
  const giveUpMs = load.seconds * 1000 + graceMs;
  for (let now = 0; (next < due.length || open > 0) && now < giveUpMs && broken < load.connections;) {
    let served = true;
    while (next < due.length && due[next]! <= now && (served = idle.length > 0)) {
      const index = idle.shift()!;
      dueOf[index] = due[next++]!;
      if (sockets.send(index, request)) open++;
      else broken++;
      lateMs.push(now - dueOf[index]!);
      now = performance.now() - startedAt;
    }
    const waitMs = next < due.length && served ? due[next]! - now : giveUpMs - now;
    const ready = sockets.wait(Math.max(0, waitMs));
    for (let nth = 0; nth < ready; nth++) {
      const index = sockets.readable(nth);
      const received = sockets.receive(index, buffer);
      if (received <= 0) throw new Error("a connection was closed");
      got[index]! += received;
      if (got[index]! < answerBytes) continue;
      latencyMs.push(performance.now() - startedAt - dueOf[index]!);
      got[index] = 0;
      open--;
      idle.push(index);
    }
    now = performance.now() - startedAt;
  }
  const endedMs = performance.now() - startedAt;
  const answered = latencyMs.length;
  // What was never answered has waited at least until now.
  const inFlight = dueOf.filter((_, index) => !idle.includes(index));
  for (const atMs of [...inFlight, ...due.subarray(next)]) latencyMs.push(endedMs - atMs);
  const sorted = Float64Array.from(latencyMs).sort();
  return {
    due: due.length,
    answered,
    elapsedMs: endedMs,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
    p999Ms: quantile(sorted, 0.999),
    maxMs: quantile(sorted, 1),
    sentLateP99Ms: quantile(Float64Array.from(lateMs).sort(), 0.99),
  };
}

if (import.meta.main) main(Deno.args);
