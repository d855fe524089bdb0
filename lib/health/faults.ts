import { quoted } from "../values/printable.ts";
import { caFault, tlsFault } from "./tls_faults.ts";

/** What an error means: the target's fault, or `local` when it says nothing about the target. */
export interface Fault {
  readonly local: boolean;
  readonly detail: string;
}

/** A fault of the program or the platform: it says nothing about the target. */
export function programFaultOf(error: unknown): Fault {
  return { local: true, detail: `the probe itself failed: ${quoted(plain(String(error)))}` };
}

/** Names the error of a socket call; one that is not known is quoted, so that a probe always ends in words. */
export function socketFaultOf(error: unknown): Fault {
  if (!(error instanceof Error)) return programFaultOf(error);
  const code = codeOf(error);
  const local = localCodes.get(code) ?? caFault(error.message);
  if (local !== undefined) return { local: true, detail: local };
  const detail = targetCodes.get(code) ?? tlsFault(error.message);
  // What JavaScript itself throws comes from a mistake in a program, not from a socket.
  if (detail === undefined && (error instanceof TypeError || error instanceof RangeError)) {
    return programFaultOf(error);
  }
  return { local: false, detail: detail ?? quoted(plain(error.message)) };
}

/** Names what ended a TLS handshake. */
export function handshakeFaultOf(error: unknown): Fault {
  if (error instanceof Deno.errors.UnexpectedEof) {
    return { local: false, detail: "connection closed during the TLS handshake" };
  }
  const fault = socketFaultOf(error);
  return isPeerGone(error) ? { local: false, detail: `${fault.detail} during the TLS handshake` } : fault;
}

/**
 * Names the error of a fetch, which comes without a code: the words of the HTTP library and of the system are in its text
 * and in those of its causes.
 */
export function fetchFaultOf(error: unknown): Fault {
  const text = withoutUrls(messagesOf(error).join(": "));
  const code = systemWords.find(([words]) => text.includes(words))?.[1] ?? "";
  const local = localCodes.get(code) ?? caFault(text);
  if (local !== undefined) return { local: true, detail: local };
  const port = /Requests to port (\d+) are blocked/.exec(text)?.[1];
  if (port !== undefined) {
    return { local: false, detail: `a URL cannot have port ${port} (browsers refuse it)` };
  }
  const detail = fetchWords.find(([words]) => text.includes(words))?.[1] ?? tlsFault(text) ??
    targetCodes.get(code);
  return { local: false, detail: detail ?? quoted(plain(text)) };
}

/** The peer takes nothing more; what it has sent before may still be there to be read. */
export function isPeerGone(error: unknown): boolean {
  return error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.ConnectionAborted || error instanceof Deno.errors.NotConnected;
}

/** The words of an error without the numbers that only programmers read. */
function plain(text: string): string {
  return text.replace(/ ?\(os error \d+\)/g, "");
}

/**
 * The text of a fetch error without the URLs in it. A path or a query may hold a token, which must not be logged; a server
 * chooses the URL of a redirect; and a quotation that begins with a URL would be cut before the cause.
 */
function withoutUrls(text: string): string {
  return text
    .replace(
      /^(?:fetch failed: )?error sending request (?:from \S+ )?for (?:url )?\S+(?: \([^)]*\))?:? ?/,
      "",
    )
    .replace(/https?:\/\/[^\s'"]*/gi, "...");
}

function codeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : "";
}

function messagesOf(error: unknown): string[] {
  const messages: string[] = [];
  let cause = error;
  // A cause can be a cycle.
  for (let depth = 0; cause !== undefined && depth < 5; depth++) {
    messages.push(cause instanceof Error ? cause.message : String(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return messages;
}

const localCodes: ReadonlyMap<string, string> = new Map([
  ["EMFILE", "no free file descriptor"],
  ["ENFILE", "no free file descriptor"],
  ["EADDRNOTAVAIL", "no free local port"],
  ["ENOBUFS", "no free memory for sockets"],
  ["ENOMEM", "no free memory for sockets"],
]);

const targetCodes: ReadonlyMap<string, string> = new Map([
  ["ECONNREFUSED", "connection refused"],
  ["ECONNRESET", "connection reset"],
  ["ECONNABORTED", "connection reset"],
  // The peer had reset the connection before Deno could ask for its address.
  ["ENOTCONN", "connection reset"],
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

/** What the system says, in the words of strerror. */
const systemWords: readonly (readonly [string, string])[] = [
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

/** What the HTTP library under fetch (hyper) says, in the words of this program. */
const fetchWords: readonly (readonly [string, string])[] = [
  ["Temporary failure in name resolution", "name lookup failed"],
  ["dns error", "host not found"],
  ["connection closed before message completed", "connection closed before an answer"],
  ["error reading a body", "connection closed in the middle of the answer"],
  ["message head is too large", "headers too long"],
  ["invalid HTTP", "not HTTP"],
  ["invalid content-length", "not HTTP: wrong Content-Length"],
  ["invalid chunk", "body with broken chunks"],
  ["Maximum number of redirects", "too many redirects"],
  ["redirect to a non HTTP", "redirected to a URL that is not http or https"],
  ["Invalid URL", "not a URL"],
  ["not supported", "not a URL that can be asked"],
];
