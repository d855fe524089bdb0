/**
 * Whether the linux engine works on this machine: one session through it, in bulk and with a reset at its end. A kernel
 * that answers otherwise than the headers say shows here, before a client does.
 */
import type { SocketAddress } from "../../values/address.ts";
import { linuxEngine } from "./engine.ts";
import { errno, errnoName, type Libc, openLibc, so, SystemError } from "./libc.ts";
import { Reactor } from "./reactor.ts";
import { LinuxSocket, openSocket } from "./socket.ts";
import { encodeAddress } from "./socket_address.ts";

const bulkBytes = 200_000;
const loopback: SocketAddress = { kind: "tcp", host: "127.0.0.1", port: 0 };
const unlimited = { idleMs: Infinity, halfClosedMs: Infinity, stallMs: Infinity, lifetimeMs: Infinity };

export interface SelfTestOptions {
  readonly open?: () => Libc;
  readonly patienceMs?: number;
}

/** What does not work, in words; undefined when all does. Takes some milliseconds, `patienceMs` (two seconds) at most. */
export async function selfTest(
  { open = openLibc, patienceMs = 2_000 }: SelfTestOptions = {},
): Promise<string | undefined> {
  try {
    using reactor = new Reactor(open());
    const endAt = performance.now() + patienceMs;
    const step = async () => {
      if (performance.now() >= endAt) throw new Error("a relay on the loopback did not come to its end");
      reactor.turn(1);
      await new Promise((resolve) => setTimeout(resolve));
    };
    return await relayOne(reactor, step);
  } catch (error) {
    // A network namespace without a loopback has nothing to try it on, and that is no fault of the engine's.
    if (error instanceof SystemError && error.number === errno.EADDRNOTAVAIL) return undefined;
    return error instanceof Error ? error.message : String(error);
  }
}

/** Turns the reactor while a promise is open. */
async function settled<T>(promise: Promise<T>, step: () => Promise<void>): Promise<T> {
  let result: { readonly value: T } | undefined;
  promise.then((value) => result = { value });
  while (result === undefined) await step();
  return result.value;
}

async function relayOne(reactor: Reactor, step: () => Promise<void>): Promise<string | undefined> {
  // A small buffer: a read that fills it turns to splice.
  using opened = new DisposableStack();
  const engine = opened.use(linuxEngine({ reactor, bufferBytes: 4_096 }));
  const listen = () => opened.use(engine.listen(loopback, { shared: false, onError: () => {} }));
  const [front, back] = [listen(), listen()];
  const client = opened.use(dial(reactor, front.address));
  const served = opened.use((await settled(front.accept(), step))!);
  const options = { client: served, timeoutMs: Infinity };
  const connected = await settled(engine.connect([back.address], options), step);
  if (connected.kind === "failed") return `connect: ${connected.detail}`;
  const target = opened.use((await settled(back.accept(), step))! as LinuxSocket);
  if (served.remoteHost !== "127.0.0.1") return `accept4 told of a client ${served.remote}`;

  const relay = engine.relay(served, opened.use(connected.socket), unlimited);
  const sent = Uint8Array.from({ length: bulkBytes }, (_, index) => index * 31 >> 3);
  const arrived = await exchange(reactor.libc, { from: client, to: target, bytes: sent, step });
  if (typeof arrived === "string") return arrived;
  if (sent.some((byte, index) => byte !== arrived[index])) return "bytes arrived that were not sent";
  client.reset();
  const end = await settled(relay.ended, step);
  if (end !== "client_reset") return `a reset ended as ${end}`;
  const last = reactor.libc.call.recv(target.descriptor, new Uint8Array(1), 1, 0);
  return last < 0 && reactor.libc.errno() === errno.ECONNRESET
    ? undefined
    : "a reset was not passed on as a reset";
}

function dial(reactor: Reactor, address: SocketAddress): LinuxSocket {
  const encoded = encodeAddress(address)!;
  const descriptor = openSocket(reactor, encoded);
  reactor.libc.call.connect(descriptor, encoded, encoded.length);
  return new LinuxSocket(reactor, descriptor, address);
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
): Promise<Uint8Array | string> {
  const arrived = new Uint8Array(bytes.length);
  for (let sent = 0, received = 0; received < bytes.length;) {
    const rest = bytes.subarray(sent);
    const taken = rest.length === 0 ? 0 : libc.call.send(from.descriptor, rest, rest.length, so.MSG_NOSIGNAL);
    if (taken > 0) sent += taken;
    else if (taken < 0 && !mayTryAgain(libc.errno())) return `send failed: ${errnoName(libc.errno())}`;
    const room = arrived.subarray(received);
    const got = libc.call.recv(to.descriptor, room, room.length, 0);
    if (got > 0) received += got;
    else if (got === 0) return "the relay ended too early";
    else if (!mayTryAgain(libc.errno())) return `recv failed: ${errnoName(libc.errno())}`;
    await step();
  }
  return arrived;
}

function mayTryAgain(number: number): boolean {
  return number === errno.EAGAIN || number === errno.EINTR || number === errno.ENOTCONN;
}
