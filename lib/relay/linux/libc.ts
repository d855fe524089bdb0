/**
 * The C library, as far as the linux engine needs it: the only `dlopen`, and every constant and layout of the kernel's
 * interface. Linux with glibc, x86-64 and aarch64, both little-endian. Sources: the man pages of section 2 and the headers
 * named at each group (Linux 6.1, glibc 2.36).
 */

import { errnoCode } from "../../values/system_error.ts";
import { wordsForErrno } from "../failure_words.ts";

/** errno values (asm-generic/errno-base.h, errno.h). */
export const errno = {
  EPERM: 1,
  ENOENT: 2,
  EINTR: 4,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  ENFILE: 23,
  EMFILE: 24,
  ENOSPC: 28,
  EPIPE: 32,
  EAFNOSUPPORT: 97,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENETUNREACH: 101,
  ECONNABORTED: 103,
  ECONNRESET: 104,
  ENOBUFS: 105,
  ENOTCONN: 107,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTUNREACH: 113,
  EINPROGRESS: 115,
} as const;

/** Sockets (bits/socket.h, asm-generic/socket.h, netinet/tcp.h, linux/sockios.h). */
export const socketConstants = {
  AF_UNIX: 1,
  AF_INET: 2,
  AF_INET6: 10,
  STREAM_NONBLOCK_CLOEXEC: 1 | 0o4000 | 0o2000000,
  NONBLOCK_CLOEXEC: 0o4000 | 0o2000000,
  SOL_SOCKET: 1,
  SO_REUSEADDR: 2,
  SO_ERROR: 4,
  SO_KEEPALIVE: 9,
  SO_LINGER: 13,
  SO_REUSEPORT: 15,
  IPPROTO_TCP: 6,
  TCP_NODELAY: 1,
  TCP_MAXSEG: 2,
  TCP_KEEPIDLE: 4,
  TCP_KEEPINTVL: 5,
  TCP_KEEPCNT: 6,
  TCP_QUICKACK: 12,
  MSG_PEEK: 0x2,
  MSG_MORE: 0x8000,
  MSG_NOSIGNAL: 0x4000,
  SHUT_WR: 1,
  SHUT_RDWR: 2,
  SIOCOUTQ: 0x5411n,
} as const;

/** epoll (sys/epoll.h) and eventfd (bits/eventfd.h). */
export const epollConstants = {
  CLOEXEC: 0o2000000,
  CTL_ADD: 1,
  IN: 0x001,
  PRI: 0x002,
  OUT: 0x004,
  ERR: 0x008,
  HUP: 0x010,
  RDHUP: 0x2000,
  ET: 0x80000000 | 0,
  EFD_NONBLOCK_CLOEXEC: 0o4000 | 0o2000000,
} as const;

/** Pipes and splice (bits/fcntl-linux.h). */
export const pipeConstants = {
  NONBLOCK_CLOEXEC: 0o4000 | 0o2000000,
  SPLICE_F_MOVE_NONBLOCK: 1 | 2,
  F_SETPIPE_SZ: 1031,
  F_GETPIPE_SZ: 1032,
} as const;

/**
 * Descriptors as such (asm-generic/resource.h, asm-generic/poll.h). `struct pollfd` is a descriptor, then 16 bits of events
 * that are waited for and 16 of those that there are.
 */
export const descriptorConstants = {
  RLIMIT_NOFILE: 7,
  POLLNVAL_SHIFTED: 0x20 << 16,
} as const;

/** Files by path (bits/fcntl.h, linux/stat.h). `struct statx` is laid out alike on every architecture. */
export const fileConstants = {
  AT_FDCWD: -100,
  AT_SYMLINK_NOFOLLOW: 0x100,
  STATX_INO: 0x100,
  STATX_BYTES: 256,
  STATX_INO_AT: 32,
  STATX_DEV_MAJOR_AT: 136,
  STATX_DEV_MINOR_AT: 140,
} as const;

/** `struct epoll_event` is packed on x86-64 alone (sys/epoll.h): events, then 64 bits of the caller's. */
export const epollEvent = Deno.build.arch === "x86_64"
  ? { bytes: 12, dataAt: 4 } as const
  : { bytes: 16, dataAt: 8 } as const;

const symbols = {
  accept4: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  // sys/eventfd.h: unsigned int, int.
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  // sys/resource.h: a resource and struct rlimit, which is two rlim_t of 64 bits.
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  pipe2: { parameters: ["buffer", "i32"], result: "i32" },
  // poll.h: nfds_t is an unsigned long; no call asks for 2^32.
  poll: { parameters: ["buffer", "u32", "i32"], result: "i32" },
  // Sizes are size_t and results ssize_t; as u32 and i32 they cost no bigint, and no call asks for 2 GiB. Both calling
  // conventions pass 32 bits in a register whose upper half is zero then.
  read: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  splice: { parameters: ["i32", "pointer", "i32", "pointer", "u32", "u32"], result: "i32" },
  // sys/stat.h: descriptor of a folder, path, flags, mask, struct statx* (glibc 2.28).
  statx: { parameters: ["i32", "buffer", "i32", "u32", "buffer"], result: "i32" },
  unlink: { parameters: ["buffer"], result: "i32" },
  write: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  __errno_location: { parameters: [], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

/** The calls, and the errno of the one before. */
export interface Libc {
  readonly call: Deno.DynamicLibrary<typeof symbols>["symbols"];
  /** Why the call before failed; ask before any other call. */
  errno(): number;
  close(): void;
}

/** Opens the C library for the calling thread (errno belongs to a thread). Throws without the ffi permission. */
export function openLibc(): Libc {
  const library = Deno.dlopen("libc.so.6", symbols);
  const location = library.symbols.__errno_location();
  if (location === null) throw new Error("the C library has no errno for this thread");
  // Read as memory: asking a pointer view is a call of its own, and most polls end with an EAGAIN.
  const value = new Int32Array(Deno.UnsafePointerView.getArrayBuffer(location, Int32Array.BYTES_PER_ELEMENT));
  return {
    call: library.symbols,
    errno: () => value[0]!,
    close: () => library.close(),
  };
}

/** A call that failed. The message is for people: what was asked, and what the system said, in words. */
export class SystemError extends Error {
  readonly number: number;
  /** Its name, such as "EADDRINUSE". */
  readonly code: string | undefined;

  constructor(call: string, number: number) {
    super(`${call}: ${wordsForErrno(number)}`);
    this.number = number;
    this.code = errnoCode(number);
  }
}

/** Failures that are this machine's own, and say nothing about the peer. */
export const localFaults: ReadonlySet<number> = new Set([
  errno.EMFILE,
  errno.ENFILE,
  errno.ENOSPC,
  errno.ENOBUFS,
  errno.ENOMEM,
  errno.EADDRNOTAVAIL,
]);
