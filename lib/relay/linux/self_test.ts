/**
 * Whether the linux engine works on this machine: one session through it, in bulk and with a reset at its end. A kernel
 * that answers otherwise than the headers say shows here, before a client does.
 */
import type { SocketAddress } from "../../values/address.ts";
import { dialAsClient } from "./connect.ts";
import { linuxEngine } from "./engine.ts";
import { wordsForErrno } from "../failure_words.ts";
import { nextIteration } from "../immediate.ts";
import { unlimited } from "../engine.ts";
import { errno, type Libc, openLibc, socketConstants, SystemError } from "./libc.ts";
import { Reactor } from "./reactor.ts";
import type { LinuxSocket } from "./socket.ts";

const bulkBytes = 200_000;
const loopback: SocketAddress = { kind: "tcp", host: "127.0.0.1", port: 0 };

export interface SelfTestOptions {
  readonly open?: () => Libc;
  readonly timeoutMs?: number;
}

/** What does not work, in words; undefined when all does. Takes some milliseconds, `timeoutMs` (two seconds) at most. */
export async function selfTest(
  { open = openLibc, timeoutMs = 2_000 }: SelfTestOptions = {},
): Promise<string | undefined> {
  try {
    using reactor = new Reactor(open());
    const endAt = performance.now() + timeoutMs;
    const step = async () => {
      if (performance.now() >= endAt) throw new Error("a relay on the loopback did not come to its end");
      reactor.poll(0);
      await nextIteration();
    };
    return await relayOne(reactor, step);
  } catch (error) {
    // A network namespace without a loopback has nothing to try it on, which is no fault of the engine.
    if (error instanceof SystemError && error.number === errno.EADDRNOTAVAIL) return undefined;
    return error instanceof Error ? error.message : String(error);
  }
}

/** Polls the reactor while a promise is open. */
async function pollUntilSettled<T>(promise: Promise<T>, step: () => Promise<void>): Promise<T> {
  let result: { readonly value: T } | undefined;
  promise.then((value) => result = { value });
  while (result === undefined) await step();
  return result.value;
}

async function relayOne(reactor: Reactor, step: () => Promise<void>): Promise<string | undefined> {
  // A small buffer: a read that fills it starts splicing.
  using opened = new DisposableStack();
  const engine = opened.use(linuxEngine({ reactor, bufferBytes: 4_096 }));
  const listen = () => opened.use(engine.listen(loopback, { shared: false, onError: () => {} }));
  const [front, back] = [listen(), listen()];
  const client = opened.use(dialAsClient(reactor, front.address));
  const served = opened.use((await pollUntilSettled(front.accept(), step))!);
  const options = { client: served, timeoutMs: Infinity };
  const connected = await pollUntilSettled(engine.connect([back.address], options), step);
  if (connected.kind === "failed") return `connect: ${connected.detail}`;
  const target = opened.use((await pollUntilSettled(back.accept(), step))! as LinuxSocket);
  if (served.remoteHost !== "127.0.0.1") return `accept gave a client at ${served.remote}`;

  const relay = engine.relay(served, opened.use(connected.socket), unlimited);
  const sent = new Uint8Array(bulkBytes);
  // As words: a call for each byte would cost as much as all the rest.
  const words = new Uint32Array(sent.buffer);
  for (let index = 0; index < words.length; index++) words[index] = index * 2_654_435_761;
  const arrived = await exchange(reactor.libc, { from: client, to: target, bytes: sent, step });
  if (typeof arrived === "string") return arrived;
  const arrivedWords = new Uint32Array(arrived.buffer);
  if (words.some((word, index) => word !== arrivedWords[index])) return "bytes arrived that were not sent";
  client.reset();
  const end = await pollUntilSettled(relay.ended, step);
  if (end !== "client_reset") return `a reset ended as ${end}`;
  const last = reactor.libc.call.recv(target.descriptor, new Uint8Array(1), 1, 0);
  return last < 0 && reactor.libc.errno() === errno.ECONNRESET
    ? undefined
    : "a reset was not passed on as a reset";
}

/** Sends all bytes and receives as many; what went wrong instead. */
async function exchange(
  libc: Libc,
  { from, to, bytes, step }: {
    readonly from: LinuxSocket;
    readonly to: LinuxSocket;
    readonly bytes: Uint8Array<ArrayBuffer>;
    readonly step: () => Promise<void>;
  },
): Promise<Uint8Array<ArrayBuffer> | string> {
  const arrived = new Uint8Array(bytes.length);
  for (let sent = 0, received = 0; received < bytes.length;) {
    const rest = bytes.subarray(sent);
    const taken = rest.length === 0
      ? 0
      : libc.call.send(from.descriptor, rest, rest.length, socketConstants.MSG_NOSIGNAL);
    if (taken > 0) sent += taken;
    else if (taken < 0 && !isTransient(libc.errno())) return `send failed: ${wordsForErrno(libc.errno())}`;
    const room = arrived.subarray(received);
    const got = libc.call.recv(to.descriptor, room, room.length, 0);
    if (got > 0) received += got;
    else if (got === 0) return "the relay ended too early";
    else if (!isTransient(libc.errno())) return `recv failed: ${wordsForErrno(libc.errno())}`;
    await step();
  }
  return arrived;
}

function isTransient(number: number): boolean {
  return number === errno.EAGAIN || number === errno.EINTR || number === errno.ENOTCONN;
}
