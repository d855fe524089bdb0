// A process of its own, because proxies and roots of trust are read from the environment once.
import { Prober } from "../../../lib/health/prober.ts";
import type { ProbedSpec } from "../../../lib/health/spec.ts";

interface Task {
  readonly spec: ProbedSpec;
  readonly port: number;
  /** The target takes a TLS 1.3 handshake and nothing after it; what it has said can still be read. */
  readonly ignoresRequest?: boolean;
}

const { spec, port, ignoresRequest = false } = JSON.parse(Deno.args[0] ?? "") as Task;

const connect = async (options: Deno.ConnectOptions) => {
  const conn = await Deno.connect(options);
  if (ignoresRequest) conn.write = takingHandshakeOnly(conn);
  return conn;
};

/** Of the records with sealed content, type 23, the first is the client's last word in the handshake. */
function takingHandshakeOnly(conn: Deno.Conn): Deno.Conn["write"] {
  const write = conn.write.bind(conn);
  let sealed = 0;
  return async (bytes) => {
    for (let at = 0; at < bytes.length;) {
      const end = at + 5 + (bytes[at + 3] ?? 0) * 256 + (bytes[at + 4] ?? 0);
      if (bytes[at] === 23 && ++sealed > 1) throw new Deno.errors.BrokenPipe("the request is not taken");
      while (at < end) at += await write(bytes.subarray(at, end));
    }
    return bytes.length;
  };
}

using prober = new Prober({ connect });
const { outcome, detail } = await prober.probe(spec, { host: "127.0.0.1", port, addresses: ["127.0.0.1"] }, {
  signal: new AbortController().signal,
});
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify({ outcome, detail })));
