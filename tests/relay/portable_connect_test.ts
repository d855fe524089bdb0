import assert from "node:assert/strict";
import { portableEngine } from "../../lib/relay/portable/engine.ts";
import type { TcpAddress } from "../../lib/values/address.ts";

const address: TcpAddress = { kind: "tcp", host: "127.0.0.1", port: 40_001 };

/** Connects by a dial that gives a connection from these addresses; whether that was closed. */
async function connectOver(local: TcpAddress) {
  const endOf = ({ host, port }: TcpAddress): Deno.NetAddr => ({
    transport: "tcp",
    hostname: host,
    port,
  });
  let closed = false;
  const conn = {
    localAddr: endOf(local),
    remoteAddr: endOf(address),
    setNoDelay() {},
    close: () => closed = true,
  };
  const engine = portableEngine({ dial: () => Promise.resolve(conn as unknown as Deno.Conn) });
  using listener = engine.listen({ ...address, port: 0 }, { shared: false, onError: () => {} });
  const peer = listener.address as TcpAddress;
  using _client = await Deno.connect({ hostname: peer.host, port: peer.port });
  using client = (await listener.accept())!;
  const connected = await engine.connect([address], { timeoutMs: 5_000, client });
  return { connected, closed: () => closed };
}

Deno.test("portable: a socket that reaches itself has reached nobody, and is refused", async () => {
  const { connected, closed } = await connectOver(address);
  assert(connected.kind === "failed");
  assert.equal(connected.failure, "refused");
  assert.match(connected.detail, /^connection refused: .*itself$/);
  assert.ok(closed());
});

Deno.test("portable: the same port of another host is another end", async () => {
  const { connected } = await connectOver({ kind: "tcp", host: "127.0.0.2", port: 40_001 });
  assert.equal(connected.kind, "connected");
});

for (const [has, failure] of [[false, "unreachable"], [true, "resource"]] as const) {
  Deno.test(`portable: no address towards an IPv6 target, on a machine ${has ? "with" : "without"} IPv6, is ${failure}`, async () => {
    const dial = () =>
      Promise.reject(new Deno.errors.AddrNotAvailable("Cannot assign requested address (os error 99)"));
    const engine = portableEngine({ dial, hasIpv6: () => has });
    using listener = engine.listen({ ...address, port: 0 }, { shared: false, onError: () => {} });
    const { host, port } = listener.address as TcpAddress;
    using _client = await Deno.connect({ hostname: host, port });
    using client = (await listener.accept())!;
    const failureFor = async (host: string) => {
      const connected = await engine.connect([{ kind: "tcp", host, port: 80 }], { timeoutMs: 5_000, client });
      return connected.kind === "failed" ? connected.failure : connected.kind;
    };
    assert.deepEqual([await failureFor("2001:db8::1"), await failureFor("10.0.0.1")], [failure, "resource"]);
  });
}
