import assert from "node:assert/strict";
import { closeWithReset } from "../../support/kernel_sockets.ts";
import {
  type Behaviour,
  blurts,
  closedPort,
  loopback,
  readRequest,
  says,
  sendAll,
  serve,
  socketsLeft,
  TestServer,
  untilClosed,
} from "../support/servers.ts";
import { outcomeInProcess, outcomeOf, probeUntilCounted } from "../support/probing.ts";
import { anyBody, http } from "../support/specs.ts";
import { Prober } from "../../../lib/health/prober.ts";

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nup\n";

/** Sends one text again and again, waiting for nothing but the peer. */
function endless(first: string, again: string): Behaviour {
  return async (conn) => {
    await readRequest(conn);
    await sendAll(conn, first);
    for (;;) await sendAll(conn, again);
  };
}

/** Sends a body byte by byte for ever. */
function trickling(head: string): Behaviour {
  return async (conn) => {
    await readRequest(conn);
    await sendAll(conn, head);
    for (;;) {
      await sendAll(conn, "u");
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
}

/** Sends a text and leaves the connection open. */
function holding(text: string): Behaviour {
  return async (conn) => (await says(text)(conn), await untilClosed(conn));
}

type Case = readonly [what: string, Behaviour, "passed" | "failed", detail: string];

const wantingBody: readonly Case[] = [
  ["the wanted body", says(ok), "passed", "status 200"],
  [
    "the wanted body in pieces",
    says("HT", "TP/1.1 200 OK\r\nContent-Length: 2\r", "\n\r\nu", "p"),
    "passed",
    "status 200",
  ],
  [
    "a chunked body",
    says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nup\r\n0\r\n\r\n"),
    "passed",
    "status 200",
  ],
  ["a body up to the close", says("HTTP/1.0 200 OK\r\n\r\nup"), "passed", "status 200"],
  [
    "a body with labels of another kind",
    says("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Type: x; charset=klingon\r\n\r\nup"),
    "passed",
    "status 200",
  ],
  [
    "an early hint first",
    says(`HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${ok}`),
    "passed",
    "status 200",
  ],
  [
    "an unwanted status",
    says("HTTP/1.1 503 No\r\nContent-Length: 9\r\n\r\n"),
    "failed",
    "status 503, wanted 200-299",
  ],
  [
    "a redirect",
    says("HTTP/1.1 302 F\r\nLocation: /up\r\nContent-Length: 0\r\n\r\n"),
    "failed",
    "status 302, wanted 200-299",
  ],
  [
    "another body",
    says("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndown"),
    "failed",
    'body "down", wanted "up"',
  ],
  [
    "an evil body",
    says('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n\n"\x1b\rx'),
    "failed",
    'body "\\"\\u001b\\rx", wanted "up"',
  ],
  ["no answer", untilClosed, "failed", "no answer within 300ms"],
  ["a close after the request", says(), "failed", "connection closed before an answer"],
  ["half a status line", says("HTTP/1.1 20"), "failed", "connection closed in the middle of the answer"],
  ["half a status line and silence", holding("HTTP/1.1 20"), "failed", "answer not complete within 300ms"],
  [
    "half a body",
    says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nup"),
    "failed",
    "connection closed in the middle of the answer",
  ],
  ["garbage", says("\x00\x01SSH-2.0\r\n"), "failed", 'not HTTP: "\\u0000\\u0001SSH-2.0\\r\\n"'],
  ["an answer of HTTP/0.9", says("up\r\n"), "failed", 'not HTTP: "up\\r\\n"'],
  [
    "endless headers",
    endless("HTTP/1.1 200 OK\r\n", `x: ${"a".repeat(100)}\r\n`),
    "failed",
    "headers longer than 64 KiB",
  ],
  [
    "a body of 1 GB",
    endless("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n", "a".repeat(65536)),
    "failed",
    `body "${"a".repeat(59)}…", wanted "up"`,
  ],
  [
    "a trickling body",
    trickling("HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n"),
    "failed",
    "answer not complete within 300ms",
  ],
];

/** Where a status is all that is asked for, the end of the head decides. */
const wantingStatus: readonly Case[] = [
  ["a trickling body", trickling("HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n"), "passed", "status 200"],
  ["a stalled body", holding("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nup"), "passed", "status 200"],
  ["a cut body", says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nup"), "passed", "status 200"],
  ["a wrong length", says("HTTP/1.1 200 OK\r\nContent-Length: nine\r\n\r\nup"), "passed", "status 200"],
  [
    "a wrong encoding",
    says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nup"),
    "passed",
    "status 200",
  ],
  [
    "a body of 1 GB",
    endless("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n", "a".repeat(65536)),
    "passed",
    "status 200",
  ],
  ["no reason phrase", says("HTTP/1.0 200\r\n\r\n"), "passed", "status 200"],
  ["bare line feeds", says("HTTP/1.0 200 OK\n\n"), "passed", "status 200"],
  ["a cut head", says("HTTP/1.1 200 OK\r\n"), "failed", "connection closed in the middle of the answer"],
];

for (
  const [name, spec, cases] of [["body", http(), wantingBody], ["status", anyBody(), wantingStatus]] as const
) {
  for (const [what, behaviour, outcome, detail] of cases) {
    Deno.test(`a probe that wants a ${name} and gets ${what} says ${detail}`, async () => {
      let port = 0;
      {
        await using server = serve(behaviour);
        port = server.port;
        assert.deepEqual(await outcomeOf(spec, port), [outcome, detail]);
      }
      assert.equal(await socketsLeft(port), 0);
    });
  }
}

/** Connects, and gives the connection out once the server has done with it. */
function connectedAfter(done: Promise<void>): typeof Deno.connect {
  const connect = async (options: Deno.ConnectOptions) => {
    const conn = await Deno.connect(options);
    await done;
    return conn;
  };
  return connect as typeof Deno.connect;
}

for (const spec of [http(), anyBody()]) {
  const what = spec.expect.body === undefined ? "a status" : "a body";

  Deno.test(`a server that answers at accept and closes without reading is up for a probe that wants ${what}`, async () => {
    await using server = serve(blurts(ok));
    for (let i = 0; i < 50; i++) {
      assert.deepEqual(await outcomeOf(spec, server.port), ["passed", "status 200"]);
    }
  });

  Deno.test(`so is one that has closed, or reset, before the request is written, for ${what}`, async () => {
    for (const end of [(conn: Deno.Conn) => conn.close(), (conn: Deno.Conn) => closeWithReset([conn])]) {
      const answered = Promise.withResolvers<void>();
      await using server = serve(async (conn) => {
        await sendAll(conn, ok);
        // The answer is in the client's buffer once it is acknowledged: on the loopback that is before write returns.
        end(conn);
        answered.resolve();
      });
      const connect = connectedAfter(answered.promise);
      assert.deepEqual(await outcomeOf(spec, server.port, { connect }), ["passed", "status 200"]);
    }
  });

  Deno.test(`so is one that answers at accept and leaves the connection open, for ${what}`, async () => {
    await using server = serve(async (conn) => (await sendAll(conn, ok), await untilClosed(conn)));
    assert.deepEqual(await outcomeOf(spec, server.port), ["passed", "status 200"]);
  });
}

Deno.test("a probe that gets an immediate close or a reset says so", async () => {
  await using closing = serve(() => Promise.resolve());
  const { outcome, detail } = await probeUntilCounted(http(), closing.port);
  assert.equal(outcome, "failed");
  assert.match(detail, /^connection (reset|closed before an answer)$/);
  await using resetting = serve(async (conn) => {
    await readRequest(conn);
    closeWithReset([conn]);
  });
  assert.deepEqual(await outcomeOf(http(), resetting.port), ["failed", "connection reset"]);
  await using cutting = serve(async (conn) => {
    await readRequest(conn);
    await sendAll(conn, "HTTP/1.1 200 OK\r\n");
    closeWithReset([conn]);
  });
  assert.deepEqual(await outcomeOf(http(), cutting.port), [
    "failed",
    "connection reset in the middle of the answer",
  ]);
});

/** The first lines of the requests that probes of a target make. */
async function requestsOf(specs: readonly Parameters<typeof http>[0][], host: string): Promise<string[][]> {
  const requests: string[][] = [];
  await using server = serve(async (conn) => {
    requests.push((await readRequest(conn)).replace(`:${server.port}`, ":PORT").trimEnd().split("\r\n"));
    await sendAll(conn, ok);
  });
  for (const changes of specs) {
    await probeUntilCounted(http(changes), { host, port: server.port, addresses: ["127.0.0.1"] });
  }
  return requests;
}

Deno.test("the request has the path as it is written, the Host that was asked for, and asks for the end", async () => {
  const path = '/a/../b//%7e;x?q=[1]|^"<>&#f';
  const requests = await requestsOf([{ path }, { host: "app.example:81", method: "POST" }], "app.test");
  assert.deepEqual(requests, [
    [
      `GET ${path} HTTP/1.1`,
      "Host: app.test:PORT",
      "User-Agent: lb",
      "Accept: */*",
      "Connection: close",
    ],
    [
      "POST /health HTTP/1.1",
      "Host: app.example:81",
      "User-Agent: lb",
      "Accept: */*",
      "Connection: close",
      "Content-Length: 0",
    ],
  ]);
  assert.equal((await requestsOf([{}], "2001:db8::1"))[0]?.[1], "Host: [2001:db8::1]:PORT");
});

Deno.test("a probe of a closed port says connection refused", async () => {
  assert.deepEqual(await outcomeOf(http(), closedPort()), ["failed", "connection refused"]);
});

Deno.test("a probe that is aborted leaves nothing open and is inconclusive", async () => {
  let port = 0;
  {
    await using server = serve(untilClosed);
    using prober = new Prober();
    port = server.port;
    const target = loopback(port);
    assert.equal(
      (await prober.probe(http(), target, { signal: AbortSignal.abort() })).outcome,
      "inconclusive",
    );
    const stop = new AbortController();
    const running = prober.probe(http(), target, { signal: stop.signal });
    stop.abort();
    assert.equal((await running).outcome, "inconclusive");
  }
  assert.equal(await socketsLeft(port), 0);
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
    assert.deepEqual(await outcomeOf(http(), port), ["passed", "status 200"]);
    return;
  }
  assert.fail("all of these ports are taken");
});

Deno.test("neither a proxy nor a CA store that cannot be loaded matters to a plain http check", async () => {
  await using server = serve(says(ok));
  const proxy = `http://127.0.0.1:${closedPort()}`;
  const env = { HTTP_PROXY: proxy, http_proxy: proxy, ALL_PROXY: proxy, DENO_CERT: "/nonexistent" };
  assert.deepEqual(await outcomeInProcess(http(), server.port, env), ["passed", "status 200"]);
});
