/**
 * Sessions that make one request and then say nothing. A program of its own, because it may have to run on another host:
 * prints "open" once all are open; asks each again when its input ends, and prints how many still answer.
 */
import type { Endpoint } from "./listening.ts";

/** What the program is to do. */
export interface IdleLoad extends Endpoint {
  readonly count: number;
}

const request = new TextEncoder().encode("GET /small HTTP/1.1\r\nHost: bench\r\n\r\n");
/** More at once would overflow the backlog of a listener in its defaults. */
const maxConnecting = 50;

async function main([words = "{}"]: readonly string[]): Promise<void> {
  const { address, port, count } = JSON.parse(words) as IdleLoad;
  const connections: Deno.Conn[] = [];
  const openOne = async () => {
    const connection = await Deno.connect({ hostname: address, port });
    if (!await isServed(connection)) throw new Error(`${address}:${port} did not serve an idle session`);
    connections.push(connection);
  };
  while (connections.length < count) {
    const wanted = Math.min(maxConnecting, count - connections.length);
    await Promise.all(Array.from({ length: wanted }, openOne));
  }
  print("open");
  await new Response(Deno.stdin.readable).text();
  let alive = 0;
  for (const connection of connections) if (await isServed(connection).catch(() => false)) alive++;
  print(`${alive}`);
}

async function isServed(connection: Deno.Conn): Promise<boolean> {
  await connection.write(request);
  const answer = new Uint8Array(1024);
  const received = await connection.read(answer);
  return new TextDecoder().decode(answer.subarray(0, received ?? 0)).startsWith("HTTP/1.1 200 ");
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) {
  try {
    await main(Deno.args);
  } catch (error) {
    Deno.stderr.writeSync(new TextEncoder().encode(error instanceof Error ? error.message : String(error)));
    Deno.exit(1);
  }
}
