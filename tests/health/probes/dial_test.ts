import assert from "node:assert/strict";
import { Prober } from "../../../lib/health/prober.ts";
import { stalling } from "../support/fake_clock.ts";
import { FullTarget } from "../../support/full_target.ts";
import { says, serve, untilClosed } from "../support/servers.ts";
import { outcomeOf, probeUntilCounted } from "../support/probing.ts";
import { anyBody, tcp } from "../support/specs.ts";

function named(port: number, ...addresses: string[]) {
  return { host: "app.test", port, addresses };
}

/** A port that is served on one address of the loopback. */
function serveOn(hostname: string) {
  return serve(untilClosed, { hostname });
}

Deno.test("where the first address refuses, the next one is dialled, and the detail names it", async () => {
  await using server = serveOn("127.0.0.3");
  const result = await probeUntilCounted(tcp(), named(server.port, "127.0.0.2", "127.0.0.3"));
  assert.deepEqual([result.outcome, result.detail, result.address], [
    "passed",
    "127.0.0.3: connected",
    "127.0.0.3",
  ]);
});

Deno.test("where all addresses fail, the detail names each with its cause, four at most", async () => {
  await using server = serveOn("127.0.0.9");
  assert.deepEqual(await outcomeOf(tcp(), named(server.port, "127.0.0.2", "127.0.0.3")), [
    "failed",
    "127.0.0.2: connection refused, 127.0.0.3: connection refused",
  ]);
  const six = Array.from({ length: 6 }, (_, i) => `127.0.1.${i + 1}`);
  const [, detail] = await outcomeOf(tcp(), named(server.port, ...six));
  assert.match(detail, /^127\.0\.1\.1: connection refused, .*127\.0\.1\.4: connection refused, 2 more$/);
});

Deno.test("the address that worked last is dialled first, where the name still has it", async () => {
  const dialled: string[] = [];
  const connect = (options: { readonly hostname: string }) => {
    dialled.push(options.hostname);
    return Promise.reject(Object.assign(new Error("x"), { code: "ECONNREFUSED" }));
  };
  const target = named(80, "192.0.2.1", "192.0.2.2", "192.0.2.3");
  await outcomeOf(tcp(), target, { connect, preferred: "192.0.2.2" });
  assert.deepEqual(dialled.splice(0), ["192.0.2.2", "192.0.2.1", "192.0.2.3"]);
  await outcomeOf(tcp(), target, { connect, preferred: "192.0.2.9" });
  assert.deepEqual(dialled, ["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
});

Deno.test("without IPv6 an IPv6 address fails; it is no lack of local ports, which says nothing about a target", async () => {
  const refused = Object.assign(new Error("Connection refused"), { code: "ECONNREFUSED" });
  const none = Object.assign(new Error("Cannot assign requested address"), { code: "EADDRNOTAVAIL" });
  const connect = ({ hostname }: { readonly hostname: string }) =>
    Promise.reject(hostname.startsWith("127.") ? refused : none);
  const probing = (has: boolean, ...addresses: string[]) =>
    outcomeOf(tcp(), named(80, ...addresses), { connect, hasIpv6: () => has });
  assert.deepEqual(await probing(false, "127.0.0.1", "::1"), [
    "failed",
    "127.0.0.1: connection refused, ::1: this machine has no IPv6",
  ]);
  assert.deepEqual(await probing(false, "2001:db8::1"), ["failed", "this machine has no IPv6"]);
  assert.deepEqual(await probing(true, "127.0.0.1", "::1"), ["inconclusive", "no free local port"]);
  assert.deepEqual(await probing(false, "10.0.0.1"), ["inconclusive", "no free local port"]);
});

Deno.test("what answers at the first address that takes the connection is judged, as sessions would get it", async () => {
  await using sick = serve(says("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"), { hostname: "127.0.0.2" });
  await using _well = serve(says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), {
    hostname: "127.0.0.3",
    port: sick.port,
  });
  assert.deepEqual(await outcomeOf(anyBody(), named(sick.port, "127.0.0.2", "127.0.0.3")), [
    "failed",
    "127.0.0.2: status 503, wanted 200-299",
  ]);
});

Deno.test({
  name: "a silent first address leaves time for the others, however many",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    using silent = await FullTarget.start();
    await using server = serve(untilClosed, { hostname: "127.0.0.3", port: silent.port });
    const { port } = server;
    assert.deepEqual(await outcomeOf(tcp({ timeoutMs: 400 }), named(port, "127.0.0.1", "127.0.0.3")), [
      "passed",
      "127.0.0.3: connected",
    ]);
    assert.deepEqual(await outcomeOf(tcp({ timeoutMs: 400 }), named(port, "127.0.0.1", "127.0.0.9")), [
      "failed",
      "127.0.0.1: no answer, 127.0.0.9: connection refused",
    ]);
    assert.deepEqual(await outcomeOf(tcp({ timeoutMs: 400 }), named(port, "127.0.0.1")), [
      "failed",
      "no answer within 400ms",
    ]);
  },
});

Deno.test("a process that was starved while it dialled the first address judges nothing by the second", async () => {
  using prober = new Prober({
    clock: stalling(200),
    connect: ({ hostname, signal }) =>
      new Promise((_, reject) => {
        const refused = Object.assign(new Error("x"), { code: "ECONNREFUSED" });
        if (hostname === "192.0.2.2") reject(refused);
        signal.addEventListener("abort", () => reject(signal.reason));
      }),
  });
  const { signal } = new AbortController();
  const { outcome, detail } = await prober.probe(tcp(), named(80, "192.0.2.1", "192.0.2.2"), { signal });
  assert.deepEqual([outcome, detail], ["inconclusive", "this process got no processor time"]);
});

Deno.test("a local fault ends the probe: another address says no more", async () => {
  let dials = 0;
  const connect = () => {
    dials++;
    return Promise.reject(Object.assign(new Error("x"), { code: "EMFILE" }));
  };
  assert.deepEqual(await outcomeOf(tcp(), named(80, "192.0.2.1", "192.0.2.2"), { connect }), [
    "inconclusive",
    "no free file descriptor",
  ]);
  assert.equal(dials, 1);
});

Deno.test("addresses are dialled as they are given: no name is looked up", async () => {
  const dialled: string[] = [];
  const connect = (options: { readonly hostname: string }) => {
    dialled.push(options.hostname);
    return Promise.reject(Object.assign(new Error("x"), { code: "ECONNREFUSED" }));
  };
  const target = { host: "localhost", port: 80, addresses: ["::1", "127.0.0.1"] };
  for (const spec of [tcp(), anyBody(), { ...anyBody(), check: "https" as const }]) {
    await outcomeOf(spec, target, { connect });
    assert.deepEqual(dialled.splice(0), ["::1", "127.0.0.1"]);
  }
});

Deno.test("whatever a dial throws, at once or later, ends this probe alone, as inconclusive", async () => {
  const broken = [
    () => {
      throw new TypeError("at once");
    },
    () => Promise.reject(undefined),
    () => Promise.resolve(undefined as unknown as Deno.TcpConn),
  ];
  for (const connect of broken) {
    const [outcome, detail] = await outcomeOf(tcp(), named(80, "192.0.2.1"), { connect });
    assert.equal(outcome, "inconclusive");
    assert.match(detail, /^the probe itself failed: /);
  }
});
