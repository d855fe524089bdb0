import assert from "node:assert/strict";
import { LinuxAcceptor } from "../../lib/relay/linux/acceptor.ts";
import { errno, type Libc, openLibc } from "../../lib/relay/linux/libc.ts";
import { Reactor } from "../../lib/relay/linux/reactor.ts";
import type { TcpAddress } from "../../lib/values/address.ts";
import { RawConn } from "../support/raw_sockets.ts";

const ignore = Deno.build.os !== "linux";

/** A listener over a C library that fails to accept as long as `failure` is set, and a clock that the test moves. */
class FailingListener implements Disposable {
  failure: number | undefined;
  now = 1_000;
  accepts = 0;
  readonly causes: string[] = [];
  readonly acceptor: LinuxAcceptor;
  readonly #reactor: Reactor;
  readonly #opened = new DisposableStack();

  constructor() {
    const libc = openLibc();
    let failed = 0;
    const accept4: Libc["call"]["accept4"] = (...args) => {
      this.accepts++;
      failed = this.failure ?? 0;
      return failed === 0 ? libc.call.accept4(...args) : -1;
    };
    const lastErrno = () => {
      const number = failed || libc.errno();
      failed = 0;
      return number;
    };
    const changed = { ...libc, call: { ...libc.call, accept4 }, errno: lastErrno };
    this.#reactor = this.#opened.use(new Reactor(changed, { clock: () => this.now }));
    this.acceptor = this.#opened.use(
      new LinuxAcceptor(this.#reactor, { kind: "tcp", host: "127.0.0.1", port: 0 }, {
        shared: false,
        onError: (cause) => this.causes.push(cause),
      }),
    );
  }

  dial(): void {
    this.#opened.use(RawConn.connect((this.acceptor.address as TcpAddress).port));
  }

  /** Lets so much time pass, and the reactor see it. */
  pass(ms: number): void {
    this.#reactor.poll(0);
    this.now += ms;
    this.#reactor.poll(0);
  }

  [Symbol.dispose](): void {
    this.#opened.dispose();
  }
}

Deno.test({
  name: "linux: a listener that cannot accept for want of memory tries again after five milliseconds",
  ignore,
  async fn() {
    using listener = new FailingListener();
    listener.failure = errno.ENOMEM;
    listener.dial();
    const accepting = listener.acceptor.accept();
    let accepted = false;
    accepting.then(() => accepted = true);
    assert.deepEqual([listener.accepts, listener.causes], [1, ["accept: no free memory"]]);
    listener.failure = undefined;
    listener.pass(4.9);
    await Promise.resolve();
    assert.deepEqual([listener.accepts, accepted], [1, false]);
    listener.pass(0.1);
    using socket = await accepting;
    assert.equal(listener.accepts, 2);
    assert(socket !== undefined);
  },
});

Deno.test({
  name: "linux: a listener out of descriptors spends its reserve on one more client, and says why in words",
  ignore,
  async fn() {
    using listener = new FailingListener();
    listener.failure = errno.EMFILE;
    listener.dial();
    const accepting = listener.acceptor.accept();
    // With the reserve, and again without: then it waits.
    assert.deepEqual([listener.accepts, listener.causes], [2, [
      "accept: no free file descriptor",
      "accept: no free file descriptor",
    ]]);
    listener.failure = undefined;
    listener.pass(5);
    using socket = await accepting;
    assert(socket !== undefined);
  },
});

Deno.test({
  name: "linux: a listener that is drained while it cannot accept refuses who waits, and says so",
  ignore,
  async fn() {
    using listener = new FailingListener();
    listener.failure = errno.ENOMEM;
    listener.dial();
    const accepting = listener.acceptor.accept();
    await listener.acceptor.drain();
    assert.equal(await accepting, undefined);
    assert.deepEqual(listener.causes, ["accept: no free memory", "accept: no free memory"]);
    listener.pass(10);
    assert.equal(listener.accepts, 2);
  },
});

Deno.test({
  name: "linux: a client that was gone before it was accepted is no fault of this machine",
  ignore,
  async fn() {
    using listener = new FailingListener();
    listener.dial();
    let aborted = 0;
    Object.defineProperty(listener, "failure", {
      get: () => aborted++ === 0 ? errno.ECONNABORTED : undefined,
    });
    using socket = await listener.acceptor.accept();
    assert(socket !== undefined);
    assert.deepEqual(listener.causes, ["a client was gone before it was accepted"]);
  },
});
