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
