import { canonicalIpv6, isIpv4 } from "./ip.ts";
import type { Problem } from "./problem.ts";

/** A host (name, IPv4 or IPv6 without brackets, in canonical lower case) and a port, 0..65535; 0 means any free port. */
export interface TcpAddress {
  readonly kind: "tcp";
  readonly host: string;
  readonly port: number;
}

/** A Unix socket by its path. */
export interface UnixAddress {
  readonly kind: "unix";
  readonly path: string;
}

/** Where a socket listens or connects. */
export type SocketAddress = TcpAddress | UnixAddress;

// Linux: sun_path holds 108 bytes with the closing zero.
const LONGEST_UNIX_PATH = 107;
const NAME =
  /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*\.?$/i;

/** Reads "host:port", "[ipv6]:port" or "unix:/path"; what else it is gets an answer that says how to write it. */
export function parseAddress(text: string): SocketAddress | Problem {
  if (text === "") return { problem: `is empty; write "host:port"` };
  if (/^unix:/i.test(text)) return parseUnix(text.slice(5));
  if (/\s/.test(text)) return { problem: `has a space in it; write "host:port" without spaces` };
  const scheme = /^([a-z][a-z0-9+.-]{0,15}):\/\//i.exec(text);
  if (scheme !== null) {
    return { problem: `starts with "${scheme[1]}://"; write "host:port" without a scheme` };
  }
  if (text.startsWith("[")) return parseBracketed(text);
  if (text.includes("/")) {
    return { problem: `has a "/" in it; write "host:port", or "unix:/path" for a Unix socket` };
  }
  const colons = text.split(":").length - 1;
  if (colons > 1) return parseBareIpv6(text);
  const colon = text.indexOf(":");
  if (colon < 0) return withoutPort(text);
  const port = parsePort(text.slice(colon + 1));
  if (typeof port !== "number") return port;
  const host = parseHost(text.slice(0, colon), port);
  return typeof host === "string" ? { kind: "tcp", host, port } : host;
}

/** Writes an address as `parseAddress` reads it: "10.0.0.1:80", "[::1]:80", "unix:/path". */
export function formatAddress(address: SocketAddress): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}

/** Tells whether only this machine can reach the address: 127.0.0.0/8, ::1, "localhost" or a Unix socket. */
export function isLoopback(address: SocketAddress): boolean {
  if (address.kind === "unix") return true;
  const { host } = address;
  return host === "localhost" || host === "::1" || (isIpv4(host) && host.startsWith("127."));
}

function parseUnix(path: string): UnixAddress | Problem {
  // deno-lint-ignore no-control-regex -- a path with a zero byte or a line break is a mistake, and could break a log line
  if (/[\u0000-\u001f\u007f]/.test(path)) {
    return { problem: "has a control character in its path; remove it" };
  }
  if (!path.startsWith("/")) return { problem: `has no absolute path; write "unix:/path"` };
  if (path === "/" || path.endsWith("/")) {
    return { problem: `names a folder; write "unix:/path/of/the.sock"` };
  }
  if (new TextEncoder().encode(path).length > LONGEST_UNIX_PATH) {
    return { problem: `is too long; a Unix socket path has at most ${LONGEST_UNIX_PATH} bytes` };
  }
  return { kind: "unix", path };
}

function parseBracketed(text: string): TcpAddress | Problem {
  const close = text.indexOf("]");
  if (close < 0) return { problem: `has no closing bracket; write "[::1]:80"` };
  const host = canonicalIpv6(text.slice(1, close));
  if (host === undefined) {
    return { problem: `has no IPv6 address between its brackets; write "[::1]:80" or "host:80"` };
  }
  const rest = text.slice(close + 1);
  if (rest === "") return { problem: `has no port; write "[${host}]:80"` };
  if (!rest.startsWith(":")) return { problem: `has no ":" after its bracket; write "[${host}]:80"` };
  const port = parsePort(rest.slice(1));
  return typeof port === "number" ? { kind: "tcp", host, port } : port;
}

function parseBareIpv6(text: string): Problem {
  const last = text.lastIndexOf(":");
  const port = parsePort(text.slice(last + 1));
  const host = canonicalIpv6(text.slice(0, last));
  // "::1:80" is an address of its own too: whoever wrote it without brackets has to say which part is the port.
  if (typeof port === "number" && host !== undefined) {
    return { problem: `is an IPv6 address without brackets; write "[${host}]:${port}"` };
  }
  const whole = canonicalIpv6(text);
  if (whole !== undefined) {
    return { problem: `is an IPv6 address without brackets and port; write "[${whole}]:80"` };
  }
  return { problem: `has more than one ":"; write "host:port", or "[ipv6]:port" for an IPv6 address` };
}

function withoutPort(text: string): Problem {
  if (/^\d+$/.test(text)) return { problem: `is only a port; write "0.0.0.0:${text.slice(0, 5)}"` };
  if (NAME.test(text)) return { problem: `has no port; write "${text.toLowerCase()}:80"` };
  return { problem: `is not an address; write "host:port"` };
}

function parsePort(text: string): number | Problem {
  if (text === "") return { problem: `has no port after ":"; write "host:80"` };
  if (!/^\d+$/.test(text)) {
    return { problem: "has a port that is not a number; write a port from 1 to 65535" };
  }
  const port = Number(text);
  return port <= 65535 ? port : { problem: "has a port out of range; write a port from 1 to 65535" };
}

function parseHost(text: string, port: number): string | Problem {
  if (text === "" || text === "*") {
    return {
      problem:
        `names no host; write "0.0.0.0:${port}" for every IPv4 address or "[::]:${port}" for every IPv6 address`,
    };
  }
  // Digits and dots, or a last label of digits, can only be meant as IPv4 (URL standard, "ends in a number").
  if (/(?:^|\.)\d+\.?$/.test(text)) {
    return isIpv4(text) ? text : { problem: "has no valid IPv4 address; write four numbers from 0 to 255" };
  }
  if (NAME.test(text)) return text.toLowerCase();
  return { problem: "has no valid host name; write letters, digits, dots and hyphens" };
}
