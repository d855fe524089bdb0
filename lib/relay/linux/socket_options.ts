/** Opening sockets, and the options that the engine sets on them. */
import { type Libc, socketConstants, SystemError } from "./libc.ts";

const one = new Uint8Array(new Int32Array([1]).buffer);
const zero = new Uint8Array(4);
const lingerForZeroSeconds = new Uint8Array(new Int32Array([1, 0]).buffer);

/** Opens a non-blocking socket for an address in the kernel's form. Throws SystemError. */
export function openSocket(libc: Libc, address: Uint8Array): number {
  const descriptor = libc.call.socket(address[0]!, socketConstants.STREAM_NONBLOCK_CLOEXEC, 0);
  if (descriptor < 0) throw new SystemError("socket", libc.errno());
  return descriptor;
}

/** Sets a socket option, given by its level and its own number, to 1. */
export function enableOption(libc: Libc, descriptor: number, option: readonly [number, number]): void {
  libc.call.setsockopt(descriptor, option[0], option[1], one, one.length);
}

/** Reads a socket option that is a number; undefined where the kernel refuses. */
export function readOption(
  libc: Libc,
  descriptor: number,
  option: readonly [number, number],
): number | undefined {
  const value = new Int32Array(1);
  const bytes = new Uint8Array(value.buffer);
  const size = new Uint8Array(new Uint32Array([bytes.length]).buffer);
  const result = libc.call.getsockopt(descriptor, option[0], option[1], bytes, size);
  return result === 0 ? value[0]! : undefined;
}

/** Turns Nagle's algorithm off: what is sent does not wait for the ACK of what was sent before (tcp(7), TCP_NODELAY). */
export function setNoDelay(libc: Libc, descriptor: number): void {
  enableOption(libc, descriptor, [socketConstants.IPPROTO_TCP, socketConstants.TCP_NODELAY]);
}

/**
 * Has a connection to be made keep the last ACK of its handshake for the first bytes, which must be at hand: a packet
 * less for both sides (tcp(7), TCP_QUICKACK; tcp_rcv_synsent_state_process in Linux).
 */
export function ackWithData(libc: Libc, descriptor: number): void {
  libc.call.setsockopt(
    descriptor,
    socketConstants.IPPROTO_TCP,
    socketConstants.TCP_QUICKACK,
    zero,
    zero.length,
  );
}

/** So many probes of keep-alive go unanswered before the peer is taken to be gone. */
const keepAliveProbes = 5;

/** The largest value of TCP_KEEPIDLE (MAX_TCP_KEEPIDLE in net/tcp.h), a good nine hours. */
const maxKeepIdleSeconds = 32_767;

/**
 * After how many seconds the kernel asks a quiet peer, and how far apart it asks again: `ms` in whole seconds, and a twelfth
 * of that, 1 to 10 s. By the descriptor the first is up to a quarter shorter, but no more than a minute, and the second up to a
 * half. Otherwise thousands of connections of one moment would be asked about in one moment, again and again: the kernel drops
 * what is more than its queue holds (net.core.netdev_max_backlog, 1,000 packets), and then takes peers that are well to be gone.
 */
export function keepAliveTimes(
  ms: number,
  descriptor: number,
): { readonly idleSeconds: number; readonly intervalSeconds: number } {
  const idleSeconds = Math.min(maxKeepIdleSeconds, Math.max(1, Math.round(ms / 1_000)));
  const intervalSeconds = Math.min(10, Math.max(1, Math.round(idleSeconds / 12)));
  const idleValues = Math.min(60, Math.floor(idleSeconds / 4)) + 1;
  const intervalValues = Math.floor(intervalSeconds / 2) + 1;
  return {
    idleSeconds: idleSeconds - descriptor % idleValues,
    intervalSeconds: intervalSeconds - Math.floor(descriptor / idleValues) % intervalValues,
  };
}

/**
 * Has the kernel ask the peer of a quiet connection whether it is still there (tcp(7)), at the times of `keepAliveTimes`, and
 * give it up after five questions without an answer. With 60 s a peer that has vanished is found after 60 to 85 s, with 1 s
 * after 6 s; the connection then fails with ETIMEDOUT. Bytes that it has not acknowledged are not asked about: those the
 * kernel sends again, and gives up after a quarter of an hour (tcp_retries2).
 */
export function setKeepAlive(libc: Libc, descriptor: number, ms: number): void {
  const { idleSeconds, intervalSeconds } = keepAliveTimes(ms, descriptor);
  const { IPPROTO_TCP, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, SOL_SOCKET, SO_KEEPALIVE } = socketConstants;
  const set = (name: number, value: number) => {
    const bytes = new Uint8Array(new Int32Array([value]).buffer);
    libc.call.setsockopt(descriptor, IPPROTO_TCP, name, bytes, bytes.length);
  };
  set(TCP_KEEPIDLE, idleSeconds);
  set(TCP_KEEPINTVL, intervalSeconds);
  set(TCP_KEEPCNT, keepAliveProbes);
  // Last: it starts the kernel's timer, with the times it has by then.
  enableOption(libc, descriptor, [SOL_SOCKET, SO_KEEPALIVE]);
}

/** Has what the kernel keeps back for more to come (MSG_MORE) leave now: setting TCP_NODELAY does (tcp(7)). */
export function uncork(libc: Libc, descriptor: number): void {
  setNoDelay(libc, descriptor);
}

/** Has close(2) send an RST and drop what is unsent: SO_LINGER with 0 seconds (socket(7)). */
export function setAbortiveClose(libc: Libc, descriptor: number): void {
  libc.call.setsockopt(
    descriptor,
    socketConstants.SOL_SOCKET,
    socketConstants.SO_LINGER,
    lingerForZeroSeconds,
    lingerForZeroSeconds.length,
  );
}
