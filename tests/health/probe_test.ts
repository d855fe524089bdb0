import assert from "node:assert/strict";
import { httpAttempt } from "../../lib/health/http.ts";
import { probe } from "../../lib/health/probe.ts";
import type { ProbedSpec } from "../../lib/health/spec.ts";
import {
  type Behaviour,
  closedPort,
  loopback,
  probeUntilCounted,
  readRequest,
  says,
  sendAll,
  serve,
  socketsLeft,
  TestServer,
  untilClosed,
} from "./support/servers.ts";
import { anyBody, http, tcp } from "./support/specs.ts";

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nup\n";

/** Sends one text again and again, waiting for nothing but the peer. */
function endless(first: string, again: string): Behaviour {
  return async (conn) => {
    await readRequest(conn);
    await sendAll(conn, first);
    for (;;) await sendAll(conn, again);
  };
}

/** Sends one byte each time the event loop comes round. */
const dribble: Behaviour = async (conn) => {
  await readRequest(conn);
  await sendAll(conn, "HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n");
  for (;;) {
    await sendAll(conn, "u");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

/** What a server does, whether the probe is good, what it says over a socket of its own, and what over fetch where that differs. */
const CASES: readonly (readonly [string, Behaviour, boolean, string, string?])[] = [
  ["the wanted body", says(ok), true, "status 200"],
  [
    "the wanted body in pieces",
    says("HT", "TP/1.1 200 OK\r\nContent-Length: 2\r", "\n\r\nu", "p"),
    true,
    "status 200",
  ],
  [
    "a chunked body",
    says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nup\r\n0\r\n\r\n"),
    true,
    "status 200",
  ],
  ["a body up to the close", says("HTTP/1.0 200 OK\r\n\r\nup"), true, "status 200"],
  [
    "an unwanted status",
    says("HTTP/1.1 503 No\r\nContent-Length: 9\r\n\r\n"),
    false,
    "status 503, wanted 200-299",
  ],
  [
    "a redirect",
    says("HTTP/1.1 302 F\r\nLocation: /up\r\nContent-Length: 0\r\n\r\n"),
    false,
    "status 302, wanted 200-299",
  ],
  [
    "another body",
    says("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndown"),
    false,
    'body "down", wanted "up"',
  ],
  [
    "an evil body",
    says('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n\n"\x1b\rx'),
    false,
    'body "\\"\\u001b\\rx", wanted "up"',
  ],
  ["no answer", untilClosed, false, "no answer within 300ms"],
  ["a close after the request", says(), false, "connection closed before an answer"],
  [
    "half a status line",
    says("HTTP/1.1 20"),
    false,
    "connection closed in the middle of the answer",
    "connection closed before an answer",
  ],
  [
    "half a status line and silence",
    async (c) => (await says("HTTP/1.1 20")(c), await untilClosed(c)),
    false,
    "answer not complete within 300ms",
    "no answer within 300ms",
  ],
  [
    "half a body",
    says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nup"),
    false,
    "connection closed in the middle of the answer",
  ],
  [
    "garbage",
    says("\x00\x01SSH-2.0\r\n"),
    false,
    'not HTTP: "\\u0000\\u0001SSH-2.0\\r\\n"',
    "not HTTP",
  ],
  [
    "endless headers",
    endless("HTTP/1.1 200 OK\r\n", `x: ${"a".repeat(100)}\r\n`),
    false,
    "headers longer than 64 KiB",
    "headers too long",
  ],
  [
    "an endless body",
    endless("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n", "a".repeat(65536)),
    false,
    `body "${"a".repeat(59)}…", wanted "up"`,
  ],
  ["a dribbled body", dribble, false, "answer not complete within 300ms"],
];

for (const [name, behaviour, good, socketDetail, detail = socketDetail] of CASES) {
  Deno.test(`an http probe that gets ${name} says ${detail}`, async () => {
    let port = 0;
    {
      await using server = serve(behaviour);
      port = server.port;
      const result = await probeUntilCounted(http(), server.port);
      assert.deepEqual([result.outcome, result.detail], [good ? "passed" : "failed", detail]);
    }
    assert.equal(await socketsLeft(port), 0);
  });

  Deno.test(`over a socket of its own a probe that gets ${name} says ${socketDetail}`, async () => {
    let port = 0;
    {
      await using server = serve(behaviour);
      port = server.port;
      const end = new AbortController();
      // Only what never ends by itself is ended; the others have to do so.
      const endless = /within 300ms$/.test(socketDetail);
      const timer = endless ? setTimeout(() => end.abort(), 300) : undefined;
      const attempt = await httpAttempt(http(), { host: "127.0.0.1", port: server.port }, end.signal);
      clearTimeout(timer);
      const answering = name === "no answer" ? false : true;
      assert.deepEqual(
        attempt,
        endless ? { kind: "cut", answering } : { kind: good ? "passed" : "failed", detail: socketDetail },
      );
    }
    assert.equal(await socketsLeft(port), 0);
  });
}

Deno.test("an http probe that gets an immediate close or a reset says so", async () => {
  await using closing = serve(() => Promise.resolve());
  assert.match(
    (await probeUntilCounted(http(), closing.port)).detail,
    /^connection (reset|closed before an answer)$/,
  );
  // Closing with input unread makes the system send a reset; whether a FIN went before it depends on the moment.
  await using server = serve(async (conn) => void await conn.read(new Uint8Array(1)));
  const { outcome, detail } = await probeUntilCounted(http(), server.port);
  assert.equal(outcome, "failed");
  assert.match(detail, /^connection (reset|closed before an answer)$/);
});

Deno.test("without a wanted body an endless one is read for 64 KiB, a cut one fails", async () => {
  await using big = serve(
    endless("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n", "a".repeat(65536)),
  );
  assert.equal((await probeUntilCounted(anyBody(), big.port)).outcome, "passed");
  await using cut = serve(says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nup"));
  assert.equal((await probeUntilCounted(anyBody(), cut.port)).outcome, "failed");
});

Deno.test("the request has the path alone and the Host that was asked for", async () => {
  const requests: string[] = [];
  await using server = serve(async (conn) => {
    requests.push(await readRequest(conn));
    await sendAll(conn, ok);
  });
  await probeUntilCounted(http({ path: "/health?a=ü b" }), server.port);
  await probeUntilCounted(http({ host: "app.example", method: "POST" }), server.port);
  const head = (request: string) => request.split("\r\n");
  assert.deepEqual(requests.map((request) => head(request)[0]), [
    "GET /health?a=%C3%BC%20b HTTP/1.1",
    "POST /health HTTP/1.1",
  ]);
  assert.deepEqual(requests.map((request) => head(request).filter((line) => /^host:/i.test(line))), [
    [`host: 127.0.0.1:${server.port}`],
    ["host: app.example"],
  ]);
});

for (const [name, spec] of [["tcp", tcp()], ["http", http()]] as const) {
  Deno.test(`a ${name} probe of a closed port says connection refused`, async () => {
    const { outcome, detail } = await probeUntilCounted(spec, closedPort());
    assert.deepEqual([outcome, detail], ["failed", "connection refused"]);
  });

  Deno.test({
    name: `a ${name} probe of a name nobody has says host not found`,
    // Deno 2.4 itself forgets a "cancellation" (no descriptor) when the lookup of a connect with a signal fails.
    sanitizeResources: !Deno.version.deno.startsWith("2.4."),
    fn: async () => {
      const target = { host: "a..b", port: 1, addresses: ["a..b"] };
      const result = await probe(spec, target, { signal: new AbortController().signal });
      assert.deepEqual([result.outcome, result.detail], ["failed", "host not found"]);
    },
  });

  Deno.test(`a ${name} probe that is aborted leaves nothing open and is inconclusive`, async () => {
    let port = 0;
    {
      await using server = serve(untilClosed);
      port = server.port;
      const target = loopback(server.port);
      assert.equal((await probe(spec, target, { signal: AbortSignal.abort() })).outcome, "inconclusive");
      const stop = new AbortController();
      const running = probe(spec, target, { signal: stop.signal });
      stop.abort();
      assert.equal((await running).outcome, "inconclusive");
    }
    assert.equal(await socketsLeft(port), 0);
  });
}

Deno.test("a tcp probe is content with a connection, on the check's own port if it has one", async () => {
  await using server = serve(untilClosed);
  const { outcome, detail } = await probeUntilCounted({ ...tcp(), port: server.port }, closedPort());
  assert.deepEqual([outcome, detail], ["passed", "connected"]);
});

Deno.test("ports that browsers refuse are probed like any other", async () => {
  for (const port of [6000, 2049, 5060, 10080]) {
    let listener: Deno.Listener;
    try {
      listener = Deno.listen({ hostname: "127.0.0.1", port });
    } catch (error) {
      if (error instanceof Deno.errors.AddrInUse) continue;
      throw error;
    }
    await using _server = new TestServer(listener, says(ok));
    assert.equal((await probeUntilCounted(http(), port)).detail, "status 200");
    return;
  }
});

Deno.test("HTTP_PROXY is not asked", async () => {
  await using server = serve(says(ok));
  const proxy = `http://127.0.0.1:${closedPort()}`;
  const result = await inProcess(http(), server.port, {
    HTTP_PROXY: proxy,
    http_proxy: proxy,
    ALL_PROXY: proxy,
  });
  assert.deepEqual(result, { outcome: "passed", detail: "status 200" });
});

Deno.test("an https probe verifies the certificate for the check's host", async () => {
  const file = (name: string) => new URL(`support/tls/${name}`, import.meta.url);
  const listener = Deno.listenTls({
    hostname: "127.0.0.1",
    port: 0,
    cert: Deno.readTextFileSync(file("cert.pem")),
    key: Deno.readTextFileSync(file("key.pem")),
  });
  await using server = new TestServer(listener, says(ok));
  const https = { ...http({ host: "health.test" }), check: "https" as const };
  assert.equal((await probeUntilCounted(https, server.port)).detail, "certificate: unknown issuer");
  const trust = { DENO_CERT: Deno.realPathSync(file("ca.pem")) };
  assert.deepEqual(await inProcess(https, server.port, trust), { outcome: "passed", detail: "status 200" });
  const other = { ...https, host: "other.test" };
  assert.deepEqual(await inProcess(other, server.port, trust), {
    outcome: "failed",
    detail: "certificate: for another name",
  });
});

/** Answers the first bytes of a handshake. */
const answersPlainly: Behaviour = async (conn) => {
  await conn.read(new Uint8Array(4096));
  await sendAll(conn, "HTTP/1.1 400 Bad\r\n\r\n");
};

const TLS_CASES: readonly (readonly [string, Behaviour, string])[] = [
  ["a plain http server", answersPlainly, 'TLS: "received corrupt message of type InvalidContentType"'],
  [
    "a server that closes",
    async (conn) => void await conn.read(new Uint8Array(4096)),
    "connection closed during the TLS handshake",
  ],
  ["a silent server", untilClosed, "no answer within 300ms"],
];

for (const [name, behaviour, detail] of TLS_CASES) {
  Deno.test(`an https probe of ${name} says ${detail}`, async () => {
    let port = 0;
    {
      await using server = serve(behaviour);
      port = server.port;
      const result = await probeUntilCounted({ ...http(), check: "https" }, server.port);
      assert.deepEqual([result.outcome, result.detail], ["failed", detail]);
    }
    assert.equal(await socketsLeft(port), 0);
  });
}

async function inProcess(spec: ProbedSpec, port: number, env: Record<string, string>): Promise<unknown> {
  const script = new URL("support/probe_once.ts", import.meta.url).href;
  const patient = { ...spec, timing: { ...spec.timing, timeoutMs: 10_000 } };
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-config", "-A", script, JSON.stringify({ spec: patient, port })],
    env,
  }).output();
  const text = new TextDecoder().decode(stdout);
  assert.notEqual(text, "", new TextDecoder().decode(stderr));
  return JSON.parse(text);
}
