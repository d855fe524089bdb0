import assert from "node:assert/strict";
import type { Connected, ConnectOptions, Engine, Socket } from "../../lib/relay/engine.ts";
import { linuxEngine } from "../../lib/relay/linux/engine.ts";
import { type Libc, openLibc } from "../../lib/relay/linux/libc.ts";
import { encodeAddress } from "../../lib/relay/linux/socket_address.ts";
import { Reactor } from "../../lib/relay/linux/reactor.ts";
import type { SocketAddress, TcpAddress } from "../../lib/values/address.ts";
import { eventually, within } from "../support/eventually.ts";
import { RawConn } from "../support/raw_sockets.ts";
import { socketStates } from "../support/kernel_sockets.ts";

const ignore = Deno.build.os !== "linux";
const anyPort: SocketAddress = { kind: "tcp", host: "127.0.0.1", port: 0 };

/** An engine that nothing polls but the test, over a C library that the test may have changed. */
class HandPolled implements Disposable {
  readonly reactor: Reactor;
  readonly engine: Engine;
  readonly #opened = new DisposableStack();

  constructor(change: (libc: Libc) => Partial<Libc["call"]> = () => ({})) {
    const libc = openLibc();
    this.reactor = this.#opened.use(new Reactor({ ...libc, call: { ...libc.call, ...change(libc) } }));
    this.engine = this.#opened.use(linuxEngine({ reactor: this.reactor }));
  }

  /** A client, both ends of it. */
  async accept(): Promise<{ client: RawConn; socket: Socket }> {
    using acceptor = this.engine.listen(anyPort, { shared: false, onError: () => {} });
    const client = this.#opened.use(RawConn.connect((acceptor.address as TcpAddress).port));
    const socket = await this.polled("a client is accepted", acceptor.accept());
    return { client, socket: this.#opened.use(socket!) };
  }

  connect(address: SocketAddress, options: ConnectOptions): Promise<Connected> {
    return this.engine.connect([address], options);
  }

  /** Polls until a promise has settled. */
  async polled<T>(what: string, promise: Promise<T>): Promise<T> {
    let settled = false;
    promise.then(() => settled = true);
    await eventually(what, () => {
      this.reactor.poll(0);
      return settled;
    });
    return await promise;
  }

  [Symbol.dispose](): void {
    this.#opened.dispose();
  }
}

Deno.test({
  name: "linux: a client that resets as its target is reached ends the target's connection by a reset",
  ignore,
  async fn() {
    using world = new HandPolled();
    const { client, socket } = await world.accept();
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const address: SocketAddress = { kind: "tcp", host: "127.0.0.1", port: listener.addr.port };
    const connecting = world.connect(address, { timeoutMs: 10_000, client: socket });
    using target = await within("the target accepts", listener.accept());
    const portOf = (address: string) => Number(address.split(":")[1]);
    const ports = { local: portOf(socket.local), remote: portOf(socket.remote) };
    client[Symbol.dispose]();
    await eventually("the kernel has the reset", () => !socketStates(ports).includes("established"));
    // Only now does the engine learn of both: the connection that stands, and the client that is gone.
    world.reactor.poll(0);
    const connected = await within("the attempt ends", connecting);
    assert.deepEqual(connected, { kind: "failed", failure: "client_gone", detail: "the client is gone" });
    await assert.rejects(target.read(new Uint8Array(1)), Deno.errors.ConnectionReset);
  },
});

for (const host of ["127.0.0.1", "::1"]) {
  Deno.test({
    name: `linux: a socket that reaches itself on ${host} has reached nobody, and is refused`,
    ignore,
    async fn() {
      // What the kernel does by chance: the socket gets the port that it is about to dial as its own.
      using world = new HandPolled(({ call }) => ({
        connect(descriptor, address, size) {
          assert.equal(call.bind(descriptor, address, size), 0);
          return call.connect(descriptor, address, size);
        },
      }));
      const { socket } = await world.accept();
      const address: SocketAddress = { kind: "tcp", host, port: freePort(host) };
      const connecting = world.connect(address, { timeoutMs: 10_000, client: socket });
      const connected = await world.polled("the attempt ends", connecting);
      assert(connected.kind === "failed");
      assert.equal(connected.failure, "refused");
      assert.match(connected.detail, /^connection refused: .*itself$/);
    },
  });
}

for (const [has, failure] of [[false, "unreachable"], [true, "resource"]] as const) {
  Deno.test({
    name: `linux: no address towards an IPv6 target, on a machine ${
      has ? "with" : "without"
    } IPv6, is ${failure}`,
    ignore,
    async fn() {
      // Binding to an address that is nobody's gives the error that is wanted.
      const foreign = encodeAddress({ kind: "tcp", host: "2001:db8::1", port: 0 })!;
      const foreignV4 = encodeAddress({ kind: "tcp", host: "192.0.2.1", port: 0 })!;
      using world = new HandPolled(({ call }) => {
        const notAvailable = (descriptor: number, _address: unknown, size: number) => {
          const address = size === foreign.length ? foreign : foreignV4;
          return call.bind(descriptor, address, size);
        };
        return {
          connect: notAvailable,
          bind: (descriptor, address, size) =>
            size === foreign.length && !has
              ? notAvailable(descriptor, address, size)
              : call.bind(descriptor, address, size),
        };
      });
      const { socket } = await world.accept();
      const failureFor = async (host: string) => {
        const attempt = world.connect({ kind: "tcp", host, port: 80 }, { timeoutMs: 5_000, client: socket });
        const connected = await world.polled("the attempt ends", attempt);
        return connected.kind === "failed" ? connected.failure : connected.kind;
      };
      assert.deepEqual([await failureFor("2001:db8::2"), await failureFor("192.0.2.2")], [
        failure,
        "resource",
      ]);
    },
  });
}

/** A port on which nobody listens. */
function freePort(hostname: string): number {
  using listener = Deno.listen({ hostname, port: 0 });
  return listener.addr.port;
}
