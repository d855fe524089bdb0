/** Keep-alive: which option the kernel has for which socket, and when. The scenario with a pulled cable says what it is good for. */
import assert from "node:assert/strict";
import type { Acceptor, Engine } from "../../lib/relay/engine.ts";
import { linuxEngine } from "../../lib/relay/linux/engine.ts";
import { type Libc, openLibc, socketConstants } from "../../lib/relay/linux/libc.ts";
import { Reactor } from "../../lib/relay/linux/reactor.ts";
import type { LinuxSocket } from "../../lib/relay/linux/socket.ts";
import { keepAliveTimes, readOption } from "../../lib/relay/linux/socket_options.ts";
import { portableEngine } from "../../lib/relay/portable/engine.ts";
import { formatAddress, type SocketAddress } from "../../lib/values/address.ts";
import { eventually } from "../support/eventually.ts";
import { unlimited } from "../../lib/relay/engine.ts";

const ignore = Deno.build.os !== "linux";
const loopback: SocketAddress = { kind: "tcp", host: "127.0.0.1", port: 0 };
const { SOL_SOCKET, SO_KEEPALIVE, IPPROTO_TCP, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT } = socketConstants;
const options = [
  [SOL_SOCKET, SO_KEEPALIVE],
  [IPPROTO_TCP, TCP_KEEPIDLE],
  [IPPROTO_TCP, TCP_KEEPINTVL],
  [IPPROTO_TCP, TCP_KEEPCNT],
] as const;

/** A linux engine in a world whose clock the test moves; notes each setsockopt. */
class TestedThread implements Disposable {
  now = 1_000;
  readonly optionsSet: string[] = [];
  readonly libc: Libc;
  readonly engine: Engine & Disposable;
  readonly #reactor: Reactor;

  constructor() {
    const libc = openLibc();
    const setsockopt: Libc["call"]["setsockopt"] = (...args) => {
      this.optionsSet.push(`${args[1]}/${args[2]}`);
      return libc.call.setsockopt(...args);
    };
    this.libc = { ...libc, call: { ...libc.call, setsockopt } };
    this.#reactor = new Reactor(this.libc, { clock: () => this.now });
    this.engine = linuxEngine({ reactor: this.#reactor });
  }

  /** Lets so much time pass, and the engine see it. */
  pass(ms: number): void {
    this.now += ms;
    this.#reactor.poll(0);
  }

  /** The next connection of a listener. */
  async accepted(acceptor: Acceptor): Promise<LinuxSocket> {
    let socket: LinuxSocket | undefined;
    acceptor.accept().then((accepted) => socket = accepted as LinuxSocket);
    return await eventually("an accepted client", () => {
      this.#reactor.poll(0);
      return socket;
    });
  }

  [Symbol.dispose](): void {
    this.engine[Symbol.dispose]();
    this.#reactor[Symbol.dispose]();
  }
}

async function connectTo(address: SocketAddress): Promise<Deno.Conn> {
  return address.kind === "tcp"
    ? await Deno.connect({ hostname: address.host, port: address.port })
    : await Deno.connect({ transport: "unix", path: address.path });
}

/** Two connections, and a relay between the engine's ends of them; gives what the kernel has for each end after `ms`. */
async function optionsAfter(
  ms: number,
  { keepAliveMs, address = loopback }: { keepAliveMs: number; address?: SocketAddress },
): Promise<{ values: (number | undefined)[][]; optionsSet: readonly string[] }> {
  using thread = new TestedThread();
  const { engine } = thread;
  using acceptor = engine.listen(address, { shared: false, onError: () => {} });
  const ends: LinuxSocket[] = [];
  using peers = new DisposableStack();
  for (let count = 0; count < 2; count++) {
    peers.use(await connectTo(acceptor.address));
    ends.push(await thread.accepted(acceptor));
  }
  thread.optionsSet.length = 0;
  const relay = engine.relay(ends[0]!, ends[1]!, { ...unlimited, keepAliveMs });
  for (let passed = 0; passed < ms; passed += 500) thread.pass(500);
  const values = ends.map(({ descriptor }) =>
    options.map((option) => readOption(thread.libc, descriptor, option))
  );
  const optionsSet = [...thread.optionsSet];
  relay.cut();
  await relay.ended;
  return { values, optionsSet };
}

const table = [
  { keepAliveMs: 60_000, idle: [45, 60], interval: [3, 5] },
  { keepAliveMs: 1_000, idle: [1, 1], interval: [1, 1] },
  { keepAliveMs: 1_400, idle: [1, 1], interval: [1, 1] },
  { keepAliveMs: 3_600_000, idle: [3_540, 3_600], interval: [5, 10] },
  { keepAliveMs: 1e12, idle: [32_707, 32_767], interval: [5, 10] },
] as const;

for (const { keepAliveMs, idle, interval } of table) {
  Deno.test({
    name: `linux: with a keep-alive of ${keepAliveMs} ms both legs have it after a second`,
    ignore,
    async fn() {
      const { values } = await optionsAfter(1_500, { keepAliveMs });
      for (const [on, idleSeconds = 0, intervalSeconds = 0, probes] of values) {
        assert.deepEqual([on, probes], [1, 5]);
        assert.ok(idleSeconds >= idle[0] && idleSeconds <= idle[1], `${idleSeconds} s`);
        assert.ok(intervalSeconds >= interval[0] && intervalSeconds <= interval[1], `${intervalSeconds} s`);
      }
    },
  });

  Deno.test(`connections of one moment are asked about at different times, with ${keepAliveMs} ms`, () => {
    const count = 40_000;
    const times = Array.from({ length: count }, (_, descriptor) => keepAliveTimes(keepAliveMs, descriptor));
    const rounds = (pick: (time: (typeof times)[number]) => number) =>
      Object.entries(Object.groupBy(times, pick)).map(([seconds, { length = 0 } = []]) => ({
        seconds: Number(seconds),
        length,
      }));
    for (
      const [[least, most], found] of [
        [idle, rounds(({ idleSeconds }) => idleSeconds)],
        [interval, rounds(({ intervalSeconds }) => intervalSeconds)],
      ] as const
    ) {
      const values = most - least + 1;
      assert.deepEqual(
        found.map(({ seconds }) => seconds),
        Array.from({ length: values }, (_, i) => least + i),
      );
      const largest = Math.max(...found.map(({ length }) => length));
      assert.ok(largest <= 1.5 * Math.ceil(count / values), `${largest} of ${count} in one of ${values}`);
    }
  });
}

Deno.test({
  name: "linux: a session of less than a second has no system call for keep-alive",
  ignore,
  async fn() {
    const { values, optionsSet } = await optionsAfter(500, { keepAliveMs: 60_000 });
    assert.deepEqual(values.map(([on]) => on), [0, 0]);
    assert.deepEqual(optionsSet, []);
  },
});

Deno.test({
  name: "linux: keep-alive is set once for each leg, however long the session lasts",
  ignore,
  async fn() {
    const { optionsSet } = await optionsAfter(10_000, { keepAliveMs: 60_000 });
    assert.equal(optionsSet.length, 2 * options.length);
  },
});

Deno.test({
  name: "linux: without keep-alive none is set",
  ignore,
  async fn() {
    const { values, optionsSet } = await optionsAfter(10_000, { keepAliveMs: Infinity });
    assert.deepEqual(values.map(([on]) => on), [0, 0]);
    assert.deepEqual(optionsSet, []);
  },
});

Deno.test({
  name: "linux: a unix socket has none set",
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "lb-" });
    try {
      const address = { kind: "unix", path: `${folder}/socket` } as const;
      const { optionsSet } = await optionsAfter(10_000, { keepAliveMs: 60_000, address });
      assert.deepEqual(optionsSet, []);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** Which timer each connection of this machine from a port to another has; 2 is that of keep-alive (proc_net_tcp.txt). */
function timers(port: number): number[] {
  const rows = Deno.readTextFileSync("/proc/self/net/tcp").split("\n").slice(1).map((row) =>
    row.trim().split(/\s+/)
  );
  const established = "01";
  return rows.filter(([, local, , state]) =>
    state === established && Number.parseInt(local?.split(":")[1] ?? "", 16) === port
  ).map((fields) => Number.parseInt(fields[5]!.split(":")[0]!, 16));
}

for (const [keepAliveMs, has] of [[60_000, 2], [Infinity, 0]] as const) {
  Deno.test({
    name: `portable: with a keep-alive of ${keepAliveMs} ms both legs ${
      has === 2 ? "have" : "do not have"
    } it`,
    ignore,
    async fn() {
      const engine = portableEngine();
      using acceptor = engine.listen(loopback, { shared: false, onError: () => {} });
      const { address } = acceptor;
      using _first = await connectTo(address);
      const client = (await acceptor.accept())!;
      using _second = await connectTo(address);
      const target = (await acceptor.accept())!;
      const relay = engine.relay(client, target, { ...unlimited, keepAliveMs });
      const { port } = address as { port: number };
      const startedAt = performance.now();
      await eventually(`the timers of ${formatAddress(address)}`, () => {
        const isOver = has === 2 || performance.now() - startedAt > 2_500;
        return isOver && timers(port).toString() === `${has},${has}`;
      });
      relay.cut();
      await relay.ended;
    },
  });
}
