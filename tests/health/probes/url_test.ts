import assert from "node:assert/strict";
import { filledIn } from "../../../lib/health/probes/url.ts";
import type { UrlCheck } from "../../../lib/health/spec.ts";
import {
  readRequest,
  says,
  sendAll,
  serve,
  serveTls,
  socketsLeft,
  tlsFile,
  untilClosed,
} from "../support/servers.ts";
import { outcomeInProcess, outcomeOf } from "../support/probing.ts";
import { http, timing } from "../support/specs.ts";

function url(text: string, changes: Partial<UrlCheck> = {}): UrlCheck {
  return {
    check: "url",
    url: text,
    method: "GET",
    expect: { status: [{ from: 200, to: 299 }], body: undefined },
    timing: timing({ timeoutMs: 300 }),
    ...changes,
  };
}

const here = "http://{host}:{port}/health";
const wantingUp = { expect: http().expect };

Deno.test("{host} and {port} are the target's, IPv6 in brackets", () => {
  const text = "http://{host}:{port}/?h={host}&p={port}&{other}";
  assert.equal(filledIn(text, { host: "app.test", port: 80 }), "http://app.test:80/?h=app.test&p=80&{other}");
  assert.equal(filledIn("http://{host}:8008/", { host: "::1", port: 80 }), "http://[::1]:8008/");
  assert.equal(filledIn("http://{host}/$&", { host: "$1", port: 1 }), "http://$1/$&");
});

Deno.test("a url check asks, follows redirects, and judges status and body", async () => {
  await using server = serve(async (conn) => {
    const request = await readRequest(conn);
    const moved = request.startsWith("GET /health ");
    await sendAll(
      conn,
      moved
        ? "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nup",
    );
  });
  assert.deepEqual(await outcomeOf(url(here, wantingUp), server.port), ["passed", "status 200"]);
});

const answers: readonly (readonly [string, string, Partial<UrlCheck>, string, string])[] = [
  [
    "another status",
    "HTTP/1.1 503 No\r\nContent-Length: 9\r\n\r\n",
    {},
    "failed",
    "status 503, wanted 200-299",
  ],
  [
    "another body",
    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndown",
    wantingUp,
    "failed",
    'body "down", wanted "up"',
  ],
  [
    "half a body that nobody wants",
    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nup",
    {},
    "passed",
    "status 200",
  ],
  [
    "half a body",
    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nup",
    wantingUp,
    "failed",
    "connection closed in the middle of the answer",
  ],
  ["nothing", "", {}, "failed", "connection closed before an answer"],
  ["another protocol", "SSH-2.0-x\r\n\r\n", {}, "failed", "not HTTP"],
];

for (const [what, text, changes, outcome, detail] of answers) {
  Deno.test(`a url check that gets ${what} says ${detail}`, async () => {
    let port = 0;
    {
      await using server = serve(says(text));
      port = server.port;
      assert.deepEqual(await outcomeOf(url(here, changes), port), [outcome, detail]);
    }
    assert.equal(await socketsLeft(port), 0);
  });
}

Deno.test("a url check that gets no answer, or half of one, ends at its timeout with nothing open", async () => {
  let port = 0;
  {
    await using server = serve(untilClosed);
    port = server.port;
    assert.deepEqual(await outcomeOf(url(here), port), ["failed", "no answer within 300ms"]);
  }
  assert.equal(await socketsLeft(port), 0);
  {
    await using server = serve(async (conn) => {
      await says("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nup")(conn);
      await untilClosed(conn);
    });
    port = server.port;
    assert.deepEqual(await outcomeOf(url(here, wantingUp), port), [
      "failed",
      "answer not complete within 300ms",
    ]);
    assert.deepEqual(await outcomeOf(url(here), port), ["passed", "status 200"]);
  }
  assert.equal(await socketsLeft(port), 0);
});

Deno.test("a url check goes through the proxy of the environment", async () => {
  const requests: string[] = [];
  await using proxy = serve(async (conn) => {
    requests.push((await readRequest(conn)).split("\r\n")[0] ?? "");
    await sendAll(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  });
  const env = { HTTP_PROXY: `http://127.0.0.1:${proxy.port}`, http_proxy: `http://127.0.0.1:${proxy.port}` };
  assert.deepEqual(await outcomeInProcess(url("http://far.test:{port}/health"), 8080, env), [
    "passed",
    "status 200",
  ]);
  assert.deepEqual(requests, ["GET http://far.test:8080/health HTTP/1.1"]);
});

Deno.test("a url check verifies certificates, and says when the CA store cannot be loaded", async () => {
  const secure = "https://{host}:{port}/";
  await using server = serveTls(says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  assert.deepEqual(await outcomeInProcess(url(secure), server.port, {}), [
    "failed",
    "certificate: unknown issuer",
  ]);
  assert.deepEqual(await outcomeInProcess(url(secure), server.port, { DENO_CERT: tlsFile("ca.pem") }), [
    "failed",
    "certificate: for another name",
  ]);
  assert.deepEqual(await outcomeInProcess(url(here), server.port, { DENO_CERT: "/nonexistent" }), [
    "inconclusive",
    "the CA certificates cannot be loaded (see DENO_CERT and DENO_TLS_CA_STORE): no such file",
  ]);
});

Deno.test("a url that cannot be asked fails with the reason", async () => {
  assert.deepEqual(await outcomeOf(url("http://{host}:99999/"), 1), ["failed", "not a URL"]);
  assert.deepEqual(await outcomeOf(url("gopher://{host}/"), 1), ["failed", "not a URL that can be asked"]);
});
