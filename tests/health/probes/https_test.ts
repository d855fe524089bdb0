import assert from "node:assert/strict";
import { closeWithReset, socketsOnPorts } from "../../support/kernel_sockets.ts";
import { eventually, within } from "../../support/eventually.ts";
import { overTls } from "../../../lib/health/probes/tls.ts";
import {
  type Behaviour,
  says,
  sendAll,
  serve,
  serveTls,
  socketsLeft,
  tlsFile,
  untilClosed,
} from "../support/servers.ts";
import { outcomeInProcess, outcomeOf } from "../support/probing.ts";
import { anyBody, http } from "../support/specs.ts";

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nup\n";
const https = { ...http({ host: "health.test" }), check: "https" as const };
const trust = { DENO_CERT: tlsFile("ca.pem") };

Deno.test("an https probe verifies the certificate for the check's host", async () => {
  await using server = serveTls(says(ok));
  assert.deepEqual(await outcomeOf(https, server.port), ["failed", "certificate: unknown issuer"]);
  assert.deepEqual(await outcomeInProcess(https, server.port, trust), ["passed", "status 200"]);
  assert.deepEqual(await outcomeInProcess({ ...https, host: "other.test" }, server.port, trust), [
    "failed",
    "certificate: for another name",
  ]);
  // Without a host of its own the check is for the target's: here an address that the certificate does not have.
  assert.deepEqual(await outcomeInProcess({ ...https, host: undefined }, server.port, trust), [
    "failed",
    "certificate: for another name",
  ]);
  assert.deepEqual(await outcomeInProcess({ ...https, host: "health.test:8443" }, server.port, trust), [
    "passed",
    "status 200",
  ]);
});

Deno.test("an expired certificate is said to be expired", async () => {
  await using server = serveTls(says(ok), "expired_cert");
  const env = { DENO_CERT: tlsFile("expired_ca.pem") };
  assert.deepEqual(await outcomeInProcess(https, server.port, env), ["failed", "certificate: expired"]);
});

Deno.test("with a CA store that cannot be loaded an https probe is inconclusive and says what is wrong", async () => {
  await using server = serveTls(says(ok));
  assert.deepEqual(await outcomeInProcess(https, server.port, { DENO_CERT: "/nonexistent" }), [
    "inconclusive",
    "the CA certificates cannot be loaded (see DENO_CERT and DENO_TLS_CA_STORE): no such file",
  ]);
});

/** Speaks TLS and ends without its close_notify: the connection underneath is cut, by a proxy that ends it in one way or another. */
function endingWithout(text: string, end: (conn: Deno.Conn) => void): Behaviour {
  return async (client) => {
    await using inner = serveTls(says(text));
    using conn = await Deno.connect({ hostname: "127.0.0.1", port: inner.port });
    // A reset throws away what the kernel still holds back.
    (client as Deno.TcpConn).setNoDelay(true);
    const towards = pump(client, conn);
    const buffer = new Uint8Array(16384);
    for (let n = await conn.read(buffer); n !== null; n = await conn.read(buffer)) {
      // An alert record, type 21, or one that hides its type at the end of an answer: all that comes after the answer goes.
      const records = recordsOf(buffer.subarray(0, n));
      for (const record of records) if (record.length > closeNotifyBytes) await writeAll(client, record);
    }
    end(client);
    await towards;
  };
}

/** A close_notify of TLS 1.3 is a record of 24 bytes: 5 of head, 2 of alert, 1 of type, 16 of seal. */
const closeNotifyBytes = 24;

function recordsOf(bytes: Uint8Array): Uint8Array[] {
  const records: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = 5 + (bytes[at + 3] ?? 0) * 256 + (bytes[at + 4] ?? 0);
    records.push(bytes.subarray(at, at + length));
    at += length;
  }
  return records;
}

async function pump(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(16384);
  try {
    for (let n = await from.read(buffer); n !== null; n = await from.read(buffer)) {
      await writeAll(to, buffer.subarray(0, n));
    }
  } catch {
    // Either has ended.
  }
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

const closing = (conn: Deno.Conn) => conn.close();

Deno.test("an https answer that ends with the connection and no close_notify is complete by its length, its status, or its end", async () => {
  const answers = [
    [https, ok],
    [{ ...https, expect: anyBody().expect }, "HTTP/1.1 200 OK\r\n\r\nany"],
    [https, "HTTP/1.1 200 OK\r\n\r\nup"],
  ] as const;
  for (const [spec, text] of answers) {
    await using server = serve(endingWithout(text, closing));
    assert.deepEqual(await outcomeInProcess(spec, server.port, trust), ["passed", "status 200"], text);
  }
});

Deno.test("an https answer that is cut says so, and a reset is a reset", async () => {
  const half = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nup";
  await using cut = serve(endingWithout(half, closing));
  assert.deepEqual(await outcomeInProcess(https, cut.port, trust), [
    "failed",
    "connection closed in the middle of the answer",
  ]);
  await using reset = serve(endingWithout(half, (conn) => closeWithReset([conn])));
  assert.deepEqual(await outcomeInProcess(https, reset.port, trust), [
    "failed",
    "connection reset in the middle of the answer",
  ]);
});

Deno.test("a TLS server that answers before it has read the request, and closes, is up", async () => {
  await using server = serveTls(async (conn) => {
    await (conn as Deno.TlsConn).handshake();
    await sendAll(conn, ok);
  });
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(await outcomeInProcess(https, server.port, trust), ["passed", "status 200"]);
  }
  // The handshake is taken, the request is not: what the server says is still read. It says it some time after the
  // handshake, when the request has been refused; were it earlier, this would only ask for less.
  await using slow = serveTls(async (conn) => {
    await (conn as Deno.TlsConn).handshake();
    await new Promise((resolve) => setTimeout(resolve, 300));
    await sendAll(conn, ok);
  });
  const ignoring = { port: slow.port, ignoresRequest: true };
  assert.deepEqual(await outcomeInProcess(https, ignoring, trust), ["passed", "status 200"]);
});

/** Answers the first bytes of a handshake. */
function answersHello(text: string): Behaviour {
  return async (conn) => {
    await conn.read(new Uint8Array(4096));
    await conn.write(Uint8Array.from(text, (character) => character.charCodeAt(0)));
  };
}

const handshakes: readonly (readonly [string, Behaviour, string])[] = [
  [
    "a plain http server",
    answersHello("HTTP/1.1 400 Bad\r\n\r\n"),
    "the target does not speak TLS on this port",
  ],
  ["an ssh server", answersHello("SSH-2.0-OpenSSH_9.2\r\n"), "the target does not speak TLS on this port"],
  ["a refusal", answersHello("\x15\x03\x03\x00\x02\x02\x28"), "TLS: the target refused the handshake"],
  ["an old server", answersHello("\x15\x03\x03\x00\x02\x02\x46"), "TLS: no protocol version in common"],
  [
    "a server that closes",
    async (conn) => void await conn.read(new Uint8Array(4096)),
    "connection closed during the TLS handshake",
  ],
  [
    "a server that resets",
    async (conn) => {
      await conn.read(new Uint8Array(4096));
      closeWithReset([conn]);
    },
    "connection reset during the TLS handshake",
  ],
  ["a silent server", untilClosed, "no answer within 300ms"],
];

for (const [name, behaviour, detail] of handshakes) {
  Deno.test(`an https probe of ${name} says ${detail}`, async () => {
    let port = 0;
    {
      await using server = serve(behaviour);
      port = server.port;
      assert.deepEqual(await outcomeOf({ ...http(), check: "https" }, server.port), ["failed", detail]);
    }
    assert.equal(await socketsLeft(port), 0);
  });
}

Deno.test("a TLS probe that was given up before its handshake begins does not wait for a silent server", async () => {
  let port = 0;
  {
    await using server = serve(untilClosed);
    port = server.port;
    const plain = await Deno.connect({ hostname: "127.0.0.1", port });
    const wire = overTls(plain, { name: "x.test", signal: AbortSignal.abort() });
    await within("the handshake is given up", assert.rejects(wire));
  }
  assert.equal(await socketsLeft(port), 0);
});

/** Listens as Deno does, with foreign connections that come first. */
function overrunBy(foreign: number, ports: number[], conns: Promise<Deno.TcpConn>[]): typeof Deno.listen {
  const listen = (options: Deno.TcpListenOptions) => {
    const listener = Deno.listen(options) as Deno.TcpListener;
    const { port } = listener.addr;
    ports.push(port);
    const { accept } = listener;
    const arrived: Promise<unknown>[] = [];
    for (let i = 0; i < foreign; i++) arrived.push(Deno.connect({ hostname: "127.0.0.1", port }));
    conns.push(...arrived as Promise<Deno.TcpConn>[]);
    listener.accept = async () => (await Promise.all(arrived), await accept.call(listener));
    return listener;
  };
  return listen as typeof Deno.listen;
}

/** What a server receives over TLS while others connect to the loopback port. */
async function helloThrough(
  foreign: number,
): Promise<{ receivedBytes: number; error: unknown; left: number }> {
  const ports: number[] = [];
  const conns: Promise<Deno.TcpConn>[] = [];
  let receivedBytes = 0;
  let error: unknown;
  {
    await using server = serve(async (conn) => {
      receivedBytes = await conn.read(new Uint8Array(4096)) ?? 0;
    });
    const plain = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    const { signal } = new AbortController();
    try {
      (await overTls(plain, { name: "x.test", signal, listen: overrunBy(foreign, ports, conns) }))
        [Symbol.dispose]();
    } catch (thrown) {
      error = thrown;
    }
    for (const conn of conns) (await conn).close();
  }
  const left = await eventually("no socket of the loopback pair is left", () => {
    const count = socketsOnPorts(new Set(ports));
    return count === 0 ? { count } : undefined;
  });
  return { receivedBytes, error, left: left.count };
}

Deno.test("whoever else connects to the loopback port of a TLS probe does not get to speak for the target", async () => {
  const { receivedBytes, error } = await helloThrough(3);
  assert.ok(receivedBytes > 100, `the target has got ${receivedBytes} bytes of the hello`);
  // The target closed in the handshake; had a foreign connection been taken for the pair's other end, nothing would have come of it.
  assert.match(String((error as Error).cause), /UnexpectedEof|reset/i);
});

Deno.test("too many foreign connections to the loopback port are a fault of this machine", async () => {
  const { receivedBytes, error } = await helloThrough(20);
  assert.equal(receivedBytes, 0);
  assert.equal((error as Error).message, "other processes connect to the loopback port");
});
