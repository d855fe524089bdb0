/**
 * The descriptors of each thread: those of the C library belong to the process, so when a thread dies, nobody closes its
 * sockets but somebody who knows them. Each thread tracks its own in memory that it shares with the control plane.
 */
import { type Libc, openLibc, socketConstants } from "./libc.ts";
import { setAbortiveClose } from "./socket_options.ts";

/** The C library, with every descriptor that is opened through it and not yet closed marked in `open`, a byte for each. */
export function trackDescriptors(libc: Libc, open: Uint8Array): Libc {
  const { call } = libc;
  const track = (descriptor: number) => {
    if (descriptor >= 0) open[descriptor] = 1;
    return descriptor;
  };
  return {
    ...libc,
    call: {
      ...call,
      accept4: (descriptor, peer, bytes, flags) => track(call.accept4(descriptor, peer, bytes, flags)),
      close(descriptor) {
        open[descriptor] = 0;
        return call.close(descriptor);
      },
      epoll_create1: (flags) => track(call.epoll_create1(flags)),
      eventfd: (count, flags) => track(call.eventfd(count, flags)),
      pipe2(ends, flags) {
        const result = call.pipe2(ends, flags);
        const bytes = ends as Uint8Array<ArrayBuffer>;
        if (result === 0) new Int32Array(bytes.buffer, bytes.byteOffset, 2).forEach(track);
        return result;
      },
      socket: (family, kind, protocol) => track(call.socket(family, kind, protocol)),
    },
  };
}

/** Closes what a thread that is dead has left open, connections by a reset; returns how many descriptors it was. */
export function closeTracked(open: Uint8Array): number {
  const libc = openLibc();
  let closed = 0;
  try {
    for (let descriptor = open.indexOf(1); descriptor >= 0; descriptor = open.indexOf(1, descriptor + 1)) {
      open[descriptor] = 0;
      setAbortiveClose(libc, descriptor);
      libc.call.close(descriptor);
      closed++;
    }
  } finally {
    libc.close();
  }
  return closed;
}

/** An address of no family: connect(2) with it takes a TCP socket off its peer by an RST, and off its port (tcp_disconnect in Linux). */
const nowhere = new Uint8Array(16);

/**
 * Ends the connections and listeners of a thread that may still run. Nothing is closed: the number of a closed descriptor would
 * soon be somebody else's, and the thread may yet use it.
 */
export function disconnectTracked(open: Uint8Array): void {
  const libc = openLibc();
  try {
    for (let descriptor = open.indexOf(1); descriptor >= 0; descriptor = open.indexOf(1, descriptor + 1)) {
      libc.call.connect(descriptor, nowhere, nowhere.length);
      // Unix sockets know no such address. What is no socket takes neither.
      libc.call.shutdown(descriptor, socketConstants.SHUT_RDWR);
    }
  } finally {
    libc.close();
  }
}
