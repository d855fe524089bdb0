import assert from "node:assert/strict";
import { LimitSweeper } from "../../lib/relay/limits.ts";
import { BufferPool } from "../../lib/relay/portable/buffers.ts";
import { type ByteSocket, StreamRelay } from "../../lib/relay/portable/stream_relay.ts";
import { eventually, within } from "../support/eventually.ts";
import { unlimited } from "../../lib/relay/engine.ts";

/** A socket whose reads a test answers one by one, and that takes whatever is written. */
class ScriptedSocket implements ByteSocket {
  readonly remote = "192.0.2.1:1";
  readonly remoteHost = "192.0.2.1";
  readonly local = "192.0.2.2:2";
  closed = false;
  writtenBytes = 0;
  #reading = Promise.withResolvers<number | null>();
  #isRead = false;

  async read(): Promise<number | null> {
    this.#isRead = true;
    try {
      return await this.#reading.promise;
    } finally {
      this.#isRead = false;
      this.#reading = Promise.withResolvers();
    }
  }

  /** Gives so many bytes to whoever reads. */
  async sends(bytes: number): Promise<void> {
    await eventually("a read", () => this.#isRead);
    this.#reading.resolve(bytes);
    await eventually("the next read", () => this.#isRead);
  }

  async isReset(): Promise<void> {
    await eventually("a read", () => this.#isRead);
    this.#reading.reject(new Deno.errors.ConnectionReset("reset"));
  }

  writeSome(bytes: Uint8Array): Promise<number> {
    this.writtenBytes += bytes.length;
    return Promise.resolve(bytes.length);
  }

  closeWrite(): Promise<void> {
    return Promise.resolve();
  }

  reset(): void {
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.closed = true;
    this.#reading.resolve(null);
  }

  peek = () => Promise.reject(new Error("not before a relay"));
  write = this.peek;
  skip = (): void => {};
  keepAlive = (): void => {};
  whenGone = (): () => void => () => {};
}

function relayed() {
  const [client, target] = [new ScriptedSocket(), new ScriptedSocket()];
  const relay = new StreamRelay(client, target, {
    limits: unlimited,
    pool: new BufferPool(),
    sweeper: new LimitSweeper(),
    onFault: (error) => assert.fail(String(error)),
  });
  return { client, target, relay };
}

/** Lets what is under way go on; no time to speak of passes. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setTimeout(resolve));
}

Deno.test("behind a target's reset a client that was sending is read until it is quiet, for a close would destroy its answer", async () => {
  const { client, target, relay } = relayed();
  await client.sends(1_000);
  await target.sends(1_000);
  await target.isReset();
  await client.sends(1_000);
  assert.equal(client.closed, false, "it was closed while it was sending");
  assert.equal(await within("the end", relay.ended), "server_reset");
  assert.equal(relay.receivedBytes, 2_000);
});

Deno.test("behind a target's reset a client that has got nothing yet learns of it at once", async () => {
  const { client, target, relay } = relayed();
  await client.sends(1_000);
  await target.isReset();
  await turns(20);
  assert.equal(client.closed, true);
  assert.equal(await relay.ended, "server_reset");
});

Deno.test("behind a target's reset a client that sends nothing learns of it at once", async () => {
  const { client, target, relay } = relayed();
  await target.sends(1_000);
  await target.isReset();
  await turns(20);
  assert.equal(client.closed, true);
  assert.equal(await relay.ended, "server_reset");
});

Deno.test("a client that was sent something long ago and sends on is read until it is quiet all the same: it may read slowly", async () => {
  const { client, target, relay } = relayed();
  await target.sends(1_000);
  // Being late is the point: longer than a client is given to take what was written to it.
  await new Promise((resolve) => setTimeout(resolve, 2_100));
  await client.sends(1_000);
  await target.isReset();
  await turns(20);
  assert.equal(client.closed, false, "it was closed while it was sending");
  assert.equal(await within("the end", relay.ended), "server_reset");
});
