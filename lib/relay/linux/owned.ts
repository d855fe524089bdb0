/**
 * Whose descriptors: those of the C library belong to the process, so when a thread dies, nobody closes its sockets but
 * somebody who knows them. Each thread marks its own in memory that it shares with the control plane.
 */
import { type Libc, openLibc } from "./libc.ts";
import { lingerNot } from "./socket.ts";

/** The C library, with every descriptor that is opened or closed through it marked in `owned`, a byte for each. */
export function marking(libc: Libc, owned: Uint8Array): Libc {
  const { call } = libc;
  const mark = (descriptor: number) => {
    if (descriptor >= 0) owned[descriptor] = 1;
    return descriptor;
  };
  return {
    ...libc,
    call: {
      ...call,
      accept4: (descriptor, peer, bytes, flags) => mark(call.accept4(descriptor, peer, bytes, flags)),
      close(descriptor) {
        owned[descriptor] = 0;
        return call.close(descriptor);
      },
      epoll_create1: (flags) => mark(call.epoll_create1(flags)),
      eventfd: (count, flags) => mark(call.eventfd(count, flags)),
      pipe2(ends, flags) {
        const result = call.pipe2(ends, flags);
        const bytes = ends as Uint8Array<ArrayBuffer>;
        if (result === 0) new Int32Array(bytes.buffer, bytes.byteOffset, 2).forEach(mark);
        return result;
      },
      socket: (family, kind, protocol) => mark(call.socket(family, kind, protocol)),
    },
  };
}

/** Closes what a thread that is dead has left open, connections by a reset; returns how many descriptors it was. */
export function closeOwned(owned: Uint8Array): number {
  const libc = openLibc();
  let closed = 0;
  try {
    for (let descriptor = owned.indexOf(1); descriptor >= 0; descriptor = owned.indexOf(1, descriptor + 1)) {
      owned[descriptor] = 0;
      lingerNot(libc, descriptor);
      libc.call.close(descriptor);
      closed++;
    }
  } finally {
    libc.close();
  }
  return closed;
}
