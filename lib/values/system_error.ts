/** What the operating system's errors mean, in the words that every log line, probe and command uses for them. */

/** Name, number on Linux (asm-generic/errno-base.h and errno.h; Linux 6.1), and meaning. */
const table: readonly (readonly [code: string, number: number, words: string])[] = [
  ["EPERM", 1, "not permitted by this host"],
  ["ENOENT", 2, "no such file or folder"],
  ["EINTR", 4, "interrupted"],
  ["EIO", 5, "input or output error"],
  ["ENXIO", 6, "nobody at the other end"],
  ["EBADF", 9, "descriptor already closed"],
  ["EAGAIN", 11, "not possible without waiting"],
  ["ENOMEM", 12, "no free memory"],
  ["EACCES", 13, "permission denied"],
  ["EBUSY", 16, "busy"],
  ["EEXIST", 17, "exists already"],
  ["ENODEV", 19, "no such device"],
  ["ENOTDIR", 20, "a part of the path is not a folder"],
  ["EISDIR", 21, "is a folder"],
  ["EINVAL", 22, "invalid argument"],
  ["ENFILE", 23, "no free file descriptor on this machine"],
  ["EMFILE", 24, "no free file descriptor"],
  ["EFBIG", 27, "file too large"],
  ["ENOSPC", 28, "no space left"],
  ["EROFS", 30, "file system is read-only"],
  ["EPIPE", 32, "connection closed"],
  ["ENAMETOOLONG", 36, "name too long"],
  ["ELOOP", 40, "too many symbolic links"],
  ["EPROTO", 71, "protocol error"],
  ["ENOTSOCK", 88, "not a socket"],
  ["EPROTOTYPE", 91, "the other end is a socket of another type"],
  ["EOPNOTSUPP", 95, "not supported"],
  ["EAFNOSUPPORT", 97, "this machine has no such kind of address"],
  ["EADDRINUSE", 98, "address in use"],
  ["EADDRNOTAVAIL", 99, "address not available"],
  ["ENETDOWN", 100, "network down"],
  ["ENETUNREACH", 101, "network unreachable"],
  ["ENETRESET", 102, "connection reset"],
  ["ECONNABORTED", 103, "connection aborted"],
  ["ECONNRESET", 104, "connection reset"],
  ["ENOBUFS", 105, "no free memory for sockets"],
  ["EISCONN", 106, "already connected"],
  ["ENOTCONN", 107, "not connected"],
  ["ESHUTDOWN", 108, "connection closed"],
  ["ETIMEDOUT", 110, "timed out"],
  ["ECONNREFUSED", 111, "connection refused"],
  ["EHOSTDOWN", 112, "host down"],
  ["EHOSTUNREACH", 113, "host unreachable"],
  ["EDQUOT", 122, "disk quota used up"],
];

const wordsByCode: ReadonlyMap<string, string> = new Map(table.map(([code, , words]) => [code, words]));
const codeByNumber: ReadonlyMap<number, string> = new Map(table.map(([code, number]) => [number, code]));

/** What an error means, by its name ("ECONNREFUSED" is "connection refused"); undefined for a name not listed here. */
export function systemWords(code: string): string | undefined {
  return wordsByCode.get(code);
}

/** The name of an error that Linux gives by number (111 is "ECONNREFUSED"); undefined for a number not listed here. */
export function errnoCode(number: number): string | undefined {
  return codeByNumber.get(number);
}

/**
 * The name of the system's error behind `error`: its `code`, or the number that stands in its message ("os error 111"), where
 * only the text has come from another thread; else that of its `cause`. Undefined for an error that is none of the system's.
 */
export function errorCode(error: unknown): string | undefined {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  const text = error instanceof Error ? error.message : String(error);
  const number = /\bos error (\d{1,3})\b/.exec(text)?.[1];
  if (number !== undefined) return errnoCode(Number(number));
  return error instanceof Error && error.cause !== undefined ? errorCode(error.cause) : undefined;
}
