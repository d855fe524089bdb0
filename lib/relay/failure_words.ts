/** Failures of the system in words for people, the same for every engine. */

/** By the error numbers of Linux (asm-generic/errno-base.h, errno.h); more of them than any one engine branches on. */
const words: ReadonlyMap<number, string> = new Map([
  [1, "operation not permitted"],
  [2, "no such file"],
  [11, "the listener's queue is full"],
  [12, "out of memory"],
  [13, "permission denied"],
  [20, "a part of the path is not a folder"],
  [22, "invalid argument"],
  [23, "the system is out of descriptors"],
  [24, "out of descriptors"],
  [28, "the limit on watched descriptors is reached"],
  [32, "the connection is closed"],
  [91, "the other side is a socket of another type"],
  [97, "address family not supported"],
  [98, "address already in use"],
  [99, "no local address or port is free for it"],
  [100, "network is down"],
  [101, "network unreachable"],
  [103, "connection aborted"],
  [104, "connection reset"],
  [105, "out of buffer space"],
  [107, "not connected"],
  [110, "no answer in time"],
  [111, "connection refused"],
  [112, "host is down"],
  [113, "host unreachable"],
]);

/** What an attempt that ran out of time says. */
export const timedOut = "no answer in time";

/** What a failed accept says where its client had left before. */
export const goneBeforeAccept = "a client was gone before it was accepted";

/** What an attempt says whose socket has become its own peer. */
export const connectedToItself = "connection refused: nobody listens there, and the socket reached itself";

/** What an attempt that its client gave up says. */
export const clientGone = "the client is gone";

/** The words for an error number of Linux; the number itself where there are none. */
export function wordsForErrno(number: number): string {
  return words.get(number) ?? `system error ${number}`;
}

/** The words for an error that one of Deno's sockets threw. */
export function wordsForError(error: unknown): string {
  const number = osError(error);
  const known = number === undefined || Deno.build.os !== "linux" ? undefined : words.get(number);
  return known ?? messageOf(error).replace(/ ?\(os error \d+\)/, "");
}

/** The number in "Connection refused (os error 111)". */
export function osError(error: unknown): number | undefined {
  const digits = /\(os error (\d+)\)/.exec(messageOf(error))?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
