/** A call of the C library that throws, as a fault of the engine's own code would: what it costs, and what it does not. */
import assert from "node:assert/strict";
import type { Engine, Relay } from "../../lib/relay/engine.ts";
import { linuxEngine } from "../../lib/relay/linux/engine.ts";
import { type Libc, openLibc } from "../../lib/relay/linux/libc.ts";
import { Reactor } from "../../lib/relay/linux/reactor.ts";
import type { LinuxSocket } from "../../lib/relay/linux/socket.ts";
import type { SocketAddress, TcpAddress } from "../../lib/values/address.ts";
import { eventually } from "../support/eventually.ts";
import { unlimited } from "../../lib/relay/engine.ts";

const ignore = Deno.build.os !== "linux";
const loopback: SocketAddress = { kind: "tcp", host: "127.0.0.1", port: 0 };
const broken = new Error("a fault of the program");

type Name = "recv" | "send" | "shutdown" | "setsockopt" | "accept4" | "connect" | "getsockname" | "close";

/** An engine over a C library of which one call can be made to throw, for one descriptor or for all, and a clock. */
class FaultyThread implements Disposable {
  now = 1_000;
  throwing: { readonly name: Name; readonly descriptor?: number; once?: boolean } | undefined;
  readonly faults: unknown[] = [];
  readonly engine: Engine & Disposable;
  readonly reactor: Reactor;
  readonly #opened = new DisposableStack();

  constructor() {
    const libc = openLibc();
    this.reactor = this.#opened.use(
      new Reactor({ ...libc, call: this.#faulty(libc.call) }, {
        clock: () => this.now,
        onFault: (error) => this.faults.push(error),
      }),
    );
    this.engine = this.#opened.use(linuxEngine({ reactor: this.reactor }));
  }

  #faulty(call: Libc["call"]): Libc["call"] {
    return new Proxy(call, {
      get: (_, name: keyof Libc["call"]) => {
        const real = call[name] as (...args: unknown[]) => unknown;
        return (...args: unknown[]) => {
          const { throwing } = this;
          const isMeant = throwing?.name === name && (throwing.descriptor ?? args[0]) === args[0];
          if (!isMeant) return real(...args);
          if (throwing.once === true) this.throwing = undefined;
          // Whatever throws has not had to do nothing: a descriptor that is closed stays so.
          if (name === "close") real(...args);
          throw broken;
        };
      },
    });
  }

  async polled<T>(what: string, promise: Promise<T>): Promise<T> {
    let settled = false;
    const settle = () => settled = true;
    promise.then(settle, settle);
    await eventually(what, () => {
      this.reactor.poll(0);
      return settled;
    });
    return await promise;
  }

  /** A connection, both ends of it. */
  async connection(): Promise<{ peer: Deno.Conn; socket: LinuxSocket }> {
    using acceptor = this.engine.listen(loopback, { shared: false, onError: () => {} });
    const { port } = acceptor.address as TcpAddress;
    const peer = this.#opened.use(await Deno.connect({ hostname: "127.0.0.1", port }));
    const socket = await this.polled("an accepted client", acceptor.accept());
    return { peer, socket: socket as LinuxSocket };
  }

  async session(keepAliveMs = Infinity): Promise<FaultySession> {
    const [client, target] = [await this.connection(), await this.connection()];
    const relay = this.engine.relay(client.socket, target.socket, { ...unlimited, keepAliveMs });
    return { client: client.peer, target: target.peer, descriptor: client.socket.descriptor, relay };
  }

  /** Has a peer say a byte, and waits until it has come to the other. */
  async pass(from: Deno.Conn, to: Deno.Conn): Promise<void> {
    await from.write(new Uint8Array(1));
    assert.equal(await this.polled("a byte", to.read(new Uint8Array(1))), 1);
  }

  [Symbol.dispose](): void {
    this.#opened.dispose();
  }
}

interface FaultySession {
  readonly client: Deno.Conn;
  readonly target: Deno.Conn;
  /** Of the engine's end of the client's connection. */
  readonly descriptor: number;
  readonly relay: Relay;
}

async function isOver(thread: FaultyThread, { client, target, relay }: FaultySession): Promise<void> {
  assert.equal(await thread.polled("the end of the relay", relay.ended), "cut");
  for (const peer of [client, target]) {
    const ending = peer.read(new Uint8Array(1)).catch(() => null);
    assert.equal(await thread.polled("the end of a connection", ending), null);
  }
}

const meets: {
  readonly name: Name;
  readonly act: (session: FaultySession, thread: FaultyThread) => unknown;
}[] = [
  { name: "recv", act: ({ client }) => client.write(new Uint8Array(1)) },
  { name: "send", act: ({ target }) => target.write(new Uint8Array(1)) },
  { name: "shutdown", act: ({ target }) => target.closeWrite() },
  // The timer that checks the limits sets keep-alive.
  { name: "setsockopt", act: (_, thread) => thread.now += 1_500 },
  // Ending itself fails.
  { name: "close", act: ({ relay }) => relay.cut() },
];

for (const { name, act } of meets) {
  Deno.test({
    name: `linux: ${name} that throws in one session ends that session, is reported, and the others go on`,
    ignore,
    async fn() {
      using thread = new FaultyThread();
      const [one, other] = [await thread.session(60_000), await thread.session()];
      await thread.pass(one.client, one.target);
      thread.throwing = { name, descriptor: one.descriptor };
      await act(one, thread);
      await isOver(thread, one);
      thread.throwing = undefined;
      assert(thread.faults.length > 0 && thread.faults.every((fault) => fault === broken));
      await thread.pass(other.client, other.target);
      await thread.pass(other.target, other.client);
      other.relay.cut();
      await other.relay.ended;
    },
  });
}

Deno.test({
  name: "linux: a fault as a relay begins ends it, and leaves no socket open",
  ignore,
  async fn() {
    using thread = new FaultyThread();
    const [client, target] = [await thread.connection(), await thread.connection()];
    thread.throwing = { name: "recv" };
    const relay = thread.engine.relay(client.socket, target.socket, unlimited);
    assert.equal(await relay.ended, "cut");
    assert.deepEqual([client.socket.closed, target.socket.closed], [true, true]);
    assert.deepEqual(thread.faults, [broken]);
  },
});

Deno.test({
  name: "linux: a fault in an attempt to connect is told to whoever waits for it, and leaves no socket open",
  ignore,
  async fn() {
    using thread = new FaultyThread();
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const address: SocketAddress = { kind: "tcp", host: "127.0.0.1", port: listener.addr.port };
    const { socket } = await thread.connection();
    using client = socket;
    for (const name of ["connect", "getsockname"] as const) {
      thread.throwing = { name };
      // Inside an async function, where a session is: it makes no difference to it whether this throws or rejects.
      const connecting = (async () => await thread.engine.connect([address], { client, timeoutMs: 5_000 }))();
      await assert.rejects(thread.polled("the fault", connecting), broken);
      thread.throwing = undefined;
    }
    // What was reset before it was accepted is an error of accept.
    const reached = await listener.accept().catch(() => undefined);
    assert.equal(await reached?.read(new Uint8Array(1)).catch(() => null) ?? null, null);
    reached?.close();
  },
});

Deno.test({
  name: "linux: a fault in what waits before the relay is told to whoever waits for it",
  ignore,
  async fn() {
    using thread = new FaultyThread();
    const { peer, socket } = await thread.connection();
    using client = socket;
    const peeking = client.peek({ minBytes: 1, timeoutMs: 5_000 });
    thread.throwing = { name: "recv" };
    await peer.write(new Uint8Array(1));
    await assert.rejects(thread.polled("the fault", peeking), broken);
  },
});

Deno.test({
  name: "linux: a fault in accepting is reported, and the client is accepted a moment later",
  ignore,
  async fn() {
    using thread = new FaultyThread();
    using acceptor = thread.engine.listen(loopback, { shared: false, onError: () => {} });
    const { port } = acceptor.address as TcpAddress;
    const accepting = acceptor.accept();
    thread.throwing = { name: "accept4", once: true };
    using _client = await Deno.connect({ hostname: "127.0.0.1", port });
    await eventually("the fault", () => {
      thread.reactor.poll(0);
      return thread.faults.length > 0;
    });
    thread.now += 5;
    using socket = await thread.polled("the client", accepting);
    assert(socket !== undefined);
    assert.deepEqual(thread.faults, [broken]);
  },
});
