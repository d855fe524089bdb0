/** A target as a program of its own, for `process_target.ts`: `echo_program.ts HOSTNAME` prints the port it has got. */
import { writeAll } from "./target.ts";

/** A connection on which this is said first is echoed it, and then not read any further. */
export const parkWord = "park";

const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nup";

/** Answers health checks, and echoes all else. */
export async function healthyEcho(conn: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  let first = true;
  for (;;) {
    const size = await conn.read(buffer);
    if (size === null) return await conn.closeWrite();
    const text = first ? new TextDecoder().decode(buffer.subarray(0, Math.min(size, 16))) : "";
    first = false;
    if (text.startsWith("GET ")) {
      await writeAll(conn, new TextEncoder().encode(answer));
      return await conn.closeWrite();
    }
    await writeAll(conn, buffer.subarray(0, size));
    // What comes now is left unread.
    if (text === parkWord) return await new Promise(() => {});
  }
}

async function serveOne(conn: Deno.TcpConn): Promise<void> {
  try {
    await healthyEcho(conn);
  } catch {
    // The balancer may cut a connection whenever it has to.
  } finally {
    conn[Symbol.dispose]();
  }
}

if (import.meta.main) {
  const listener = Deno.listen({ hostname: Deno.args[0]!, port: 0 });
  const line = `${listener.addr.port}\n`;
  Deno.stdout.writeSync(new TextEncoder().encode(line));
  for (;;) {
    try {
      serveOne(await listener.accept());
    } catch {
      // That client was gone before it was accepted.
    }
  }
}
