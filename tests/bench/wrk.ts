/** Runs wrk. */
import { pathOf } from "./programs.ts";
import { parseWrk, type WrkResult } from "./wrk_output.ts";

/** A load for wrk. */
export interface WrkLoad {
  readonly port: number;
  readonly path: string;
  readonly clients: number;
  readonly seconds: number;
  readonly headers?: readonly string[];
}

/** Loads a server with as much as it takes; `signal` ends it at once. */
export async function wrk(
  { port, path, clients, seconds, headers = [] }: WrkLoad,
  signal: AbortSignal,
): Promise<WrkResult> {
  const args = [
    "-t1",
    `-c${clients}`,
    `-d${seconds}s`,
    "--latency",
    ...headers.flatMap((header) => ["-H", header]),
    `http://127.0.0.1:${port}${path}`,
  ];
  const { stdout, stderr } = await new Deno.Command(pathOf("wrk")!, { args, stdin: "null", signal }).output();
  const text = new TextDecoder();
  return parseWrk(text.decode(stdout) + text.decode(stderr));
}
