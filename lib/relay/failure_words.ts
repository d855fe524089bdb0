/** Failures of the system in words for people, the same for every engine. */
import { errnoCode, systemWords } from "../values/system_error.ts";

/** What an attempt that ran out of time says. */
export const timedOut = "no answer in time";

/** What an attempt says whose socket has become its own peer. */
export const connectedToItself = "connection refused: nobody listens there, and the socket reached itself";

/** What an attempt that its client gave up says. */
export const clientGone = "the client is gone";

/** What an attempt at an IPv6 address says on a machine that has none itself. */
export const noIpv6 = "this machine has no IPv6";

/** The words for an error number of Linux; the number itself where there are none. */
export function wordsForErrno(number: number): string {
  return knownWords(number) ?? `system error ${number}`;
}

/** The words for an error that one of Deno's sockets threw. */
export function wordsForError(error: unknown): string {
  const number = osError(error);
  const known = number === undefined || Deno.build.os !== "linux" ? undefined : knownWords(number);
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

function knownWords(number: number): string | undefined {
  const code = errnoCode(number);
  return code === undefined ? undefined : systemWords(code);
}
