/** Runs wrk. */
import { commandOn, type Host } from "./leg.ts";
import type { Endpoint } from "./listening.ts";
import { pathOf } from "./programs.ts";
import { parseWrk, type WrkResult } from "./wrk_output.ts";

/** A load for wrk, from `client` on `endpoint`. */
export interface WrkLoad {
  readonly client: Host;
  readonly endpoint: Endpoint;
  readonly path: string;
  readonly clients: number;
  readonly seconds: number;
  readonly headers?: readonly string[];
}

/** Loads a server with as much as it takes; `signal` ends it at once. */
export async function wrk(
  { client, endpoint, path, clients, seconds, headers = [] }: WrkLoad,
  signal: AbortSignal,
): Promise<WrkResult> {
  const [program, args] = commandOn(client, [
    pathOf("wrk")!,
    "-t1",
    `-c${clients}`,
    `-d${seconds}s`,
    "--latency",
    ...headers.flatMap((header) => ["-H", header]),
    `http://${endpoint.address}:${endpoint.port}${path}`,
  ]);
  const { stdout, stderr } = await new Deno.Command(program, { args, stdin: "null", signal }).output();
  const text = new TextDecoder();
  return parseWrk(text.decode(stdout) + text.decode(stderr));
}
