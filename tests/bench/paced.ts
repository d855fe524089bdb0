/** Runs the open-loop client as a process of its own. */

import { commandOn, type Host } from "./leg.ts";

/** A load that does not depend on how fast it is served; `seed` says at which moments. */
export interface PacedLoad {
  readonly address: string;
  readonly port: number;
  readonly connections: number;
  readonly ratePerS: number;
  readonly seconds: number;
  readonly seed: number;
}

/** Latencies from when a request was due; one without an answer counts with the time it had waited. */
export interface PacedResult {
  readonly due: number;
  readonly answered: number;
  readonly elapsedMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
  /** From when a request was sent, which leaves out what it waited for a free connection. */
  readonly serviceP99Ms: number;
  /** In all, how late the client came to requests for which a connection was free: its fault, or the machine's. */
  readonly clientStalledMs: number;
  /** Requests before the counted ones, which cost CPU time too. */
  readonly warmUpAnswered: number;
}

/** Sends the load from a host and waits for its end; `signal` ends it at once. */
export async function paced(
  load: PacedLoad,
  { client, signal }: { client: Host; signal: AbortSignal },
): Promise<PacedResult> {
  const script = new URL("./paced_client.ts", import.meta.url).pathname;
  const words = [Deno.execPath(), "run", "--no-check", "--no-prompt", "--allow-ffi", script];
  const [program, args] = commandOn(client, [...words, JSON.stringify(load)]);
  const { code, stdout, stderr } = await new Deno.Command(program, { args, stdin: "null", signal }).output();
  if (code !== 0) throw new Error(`the paced client failed: ${new TextDecoder().decode(stderr)}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}
