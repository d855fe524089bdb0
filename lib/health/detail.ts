import { quoted } from "../values/printable.ts";

/** Writes milliseconds the way lb.yaml does: `250ms`, `1s`, `1.5s`. */
export function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)}ms` : `${Math.round(ms / 100) / 10}s`;
}

/** What a failed dial, handshake or read means: the target's fault, or `local` when it says nothing about the target. */
export interface Fault {
  readonly local: boolean;
  readonly detail: string;
}

/** Names the error of a socket call; one we do not know is quoted, so that a probe always ends in words. */
export function faultOf(error: unknown): Fault {
  if (!(error instanceof Error)) return { local: false, detail: quoted(String(error)) };
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const own = LOCAL_CODES.get(code);
  if (own !== undefined) return { local: true, detail: own };
  // Name lookup and TLS errors carry no code in any version of Deno so far.
  const detail = CODES.get(code) ?? lookupFault(error) ?? tlsFault(error) ?? quoted(error.message);
  return { local: false, detail };
}

/**
 * Names the error of a fetch, which comes without a code: the words of the HTTP library and of the system are in its text.
 * `blocked`: fetch itself refuses the port.
 */
export function fetchFaultOf(error: unknown): Fault & { readonly blocked: boolean } {
  const text = error instanceof Error ? [error.message, causeOf(error)].join(" ") : String(error);
  const code = SYSTEM_WORDS.find(([words]) => text.includes(words))?.[1];
  const own = code === undefined ? undefined : LOCAL_CODES.get(code);
  const detail = own ?? FETCH_WORDS.find(([words]) => text.includes(words))?.[1] ??
    (code === undefined ? undefined : CODES.get(code)) ?? quoted(text);
  return { local: own !== undefined, detail, blocked: /Requests to port \d+ are blocked/.test(text) };
}

function causeOf({ cause }: Error): string {
  return cause instanceof Error ? cause.message : "";
}

function lookupFault(error: Error): string | undefined {
  if (error instanceof URIError) return "host not found";
  if (!error.message.includes("failed to lookup address")) return undefined;
  return /temporary/i.test(error.message) ? "name lookup failed" : "host not found";
}

function tlsFault(error: Error): string | undefined {
  if (error instanceof Deno.errors.UnexpectedEof) return "connection closed during the TLS handshake";
  if (!(error instanceof Deno.errors.InvalidData)) return undefined;
  const reason = /invalid peer certificate: (.*)/s.exec(error.message)?.[1];
  if (reason === undefined) return `TLS: ${quoted(error.message)}`;
  if (reason.includes("not valid for")) return "certificate: for another name";
  // rustls may go on with dates; its first word says it.
  const word = /^[A-Za-z]+/.exec(reason)?.[0] ?? "";
  return `certificate: ${CERTIFICATE.get(word) ?? quoted(reason)}`;
}

const LOCAL_CODES: ReadonlyMap<string, string> = new Map([
  ["EMFILE", "no free file descriptor"],
  ["ENFILE", "no free file descriptor"],
  ["EADDRNOTAVAIL", "no free local port"],
  ["ENOBUFS", "no free memory for sockets"],
  ["ENOMEM", "no free memory for sockets"],
]);

const CODES: ReadonlyMap<string, string> = new Map([
  ["ECONNREFUSED", "connection refused"],
  ["ECONNRESET", "connection reset"],
  ["ECONNABORTED", "connection reset"],
  ["EPIPE", "connection closed"],
  ["EHOSTUNREACH", "unreachable"],
  ["ENETUNREACH", "unreachable"],
  ["EHOSTDOWN", "unreachable"],
  ["ENETDOWN", "unreachable"],
  ["EAFNOSUPPORT", "unreachable"],
  ["EINVAL", "unreachable"],
  ["EACCES", "not permitted by this host"],
  ["EPERM", "not permitted by this host"],
  ["ETIMEDOUT", "no answer"],
]);

const CERTIFICATE: ReadonlyMap<string, string> = new Map([
  ["UnknownIssuer", "unknown issuer"],
  ["Expired", "expired"],
  ["NotValidYet", "not valid yet"],
  ["NotValidForName", "for another name"],
  ["Revoked", "revoked"],
  ["CaUsedAsEndEntity", "a CA's own certificate"],
]);

/** What the system says, in the words of strerror. */
const SYSTEM_WORDS: readonly (readonly [string, string])[] = [
  ["Connection refused", "ECONNREFUSED"],
  ["Connection reset", "ECONNRESET"],
  ["Broken pipe", "EPIPE"],
  ["No route to host", "EHOSTUNREACH"],
  ["Network is unreachable", "ENETUNREACH"],
  ["Host is down", "EHOSTDOWN"],
  ["Invalid argument", "EINVAL"],
  ["Permission denied", "EACCES"],
  ["Operation not permitted", "EPERM"],
  ["Connection timed out", "ETIMEDOUT"],
  ["Too many open files in system", "ENFILE"],
  ["Too many open files", "EMFILE"],
  ["Cannot assign requested address", "EADDRNOTAVAIL"],
  ["No buffer space available", "ENOBUFS"],
  ["Cannot allocate memory", "ENOMEM"],
];

/** What the HTTP library under fetch (hyper) says, in our words. */
const FETCH_WORDS: readonly (readonly [string, string])[] = [
  ["Temporary failure in name resolution", "name lookup failed"],
  ["dns error", "host not found"],
  ["connection closed before message completed", "connection closed before an answer"],
  ["error reading a body", "connection closed in the middle of the answer"],
  ["message head is too large", "headers too long"],
  ["invalid HTTP", "not HTTP"],
  ["invalid content-length", "not HTTP: wrong Content-Length"],
  ["invalid chunk", "body with broken chunks"],
];
