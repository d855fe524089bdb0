/** `struct sockaddr` and `SocketAddress`, one into the other (netinet/in.h, sys/un.h). */
import type { SocketAddress } from "../../values/address.ts";
import { parseIpv4, parseIpv6 } from "../literal.ts";
import { type Libc, socketConstants } from "./libc.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Large enough for every kind (sockaddr_un: 2 + 108). */
export const addressBytes = 110;

const encodedAddresses = new WeakMap<SocketAddress, Bytes>();

/** `encodeAddress`, once for each object: a target's address is asked for by every session. */
export function encodedAddress(address: SocketAddress): Bytes | undefined {
  let encoded = encodedAddresses.get(address);
  if (encoded === undefined) {
    encoded = encodeAddress(address);
    if (encoded !== undefined) encodedAddresses.set(address, encoded);
  }
  return encoded;
}

/** The struct for an address; undefined for a host name, which the kernel does not resolve. Throws RangeError for a path that is too long. */
export function encodeAddress(address: SocketAddress): Bytes | undefined {
  if (address.kind === "unix") return encodeUnix(address.path);
  const v4 = parseIpv4(address.host);
  if (v4 !== undefined) {
    return Uint8Array.of(socketConstants.AF_INET, 0, ...port(address.port), ...v4, 0, 0, 0, 0, 0, 0, 0, 0);
  }
  const v6 = parseIpv6(address.host);
  if (v6 === undefined) return undefined;
  return Uint8Array.of(socketConstants.AF_INET6, 0, ...port(address.port), 0, 0, 0, 0, ...v6, 0, 0, 0, 0);
}

/**
 * The peer of an accepted connection: an IPv4 one as `address * 65536 + port`, because most are never asked for; a unix
 * peer has no address.
 */
export type Peer = number | SocketAddress | undefined;

/** The peer in a struct that the kernel filled. */
export function packPeer(bytes: Bytes): Peer {
  if (bytes[0] !== socketConstants.AF_INET) return decodeAddress(bytes);
  return ipv4At(bytes, 4) * 65_536 + bytes[2]! * 256 + bytes[3]!;
}

/** What `packPeer` has packed. */
export function unpackPeer(peer: Peer): SocketAddress | undefined {
  if (typeof peer !== "number") return peer;
  const ip = Math.floor(peer / 65_536);
  return { kind: "tcp", host: formatIpv4(ip), port: peer % 65_536 };
}

/** The address in a struct that the kernel filled, without the path of a unix socket: undefined for one. */
export function decodeAddress(bytes: Bytes): SocketAddress | undefined {
  const family = bytes[0];
  const number = bytes[2]! * 256 + bytes[3]!;
  if (family === socketConstants.AF_INET) {
    return { kind: "tcp", host: formatIpv4(ipv4At(bytes, 4)), port: number };
  }
  if (family === socketConstants.AF_INET6) {
    return { kind: "tcp", host: formatIpv6(bytes.subarray(8, 24)), port: number };
  }
  return undefined;
}

const own = new Uint8Array(addressBytes);
const ownBytes = new Uint32Array(1);
const ownBytesView = new Uint8Array(ownBytes.buffer);

/** This end's address in the kernel's form, valid until the next call; undefined where there is none. */
export function ownAddress({ call }: Libc, descriptor: number): Bytes | undefined {
  ownBytes[0] = addressBytes;
  if (call.getsockname(descriptor, own, ownBytesView) !== 0) return undefined;
  return own.subarray(0, Math.min(ownBytes[0]!, addressBytes));
}

/** This end's address; undefined for a unix socket without a path. */
export function localAddress(libc: Libc, descriptor: number): SocketAddress | undefined {
  const bytes = ownAddress(libc, descriptor);
  if (bytes === undefined) return undefined;
  return bytes[0] === socketConstants.AF_UNIX ? decodeUnix(bytes) : decodeAddress(bytes);
}

/** Where family, port and IP are in the struct of an IPv6 address: flow and scope are left out. */
const ipv6HostAt = 8;

/** Whether the struct of an address is that of this end: its connection then leads back to itself. */
export function isOwnAddress(libc: Libc, descriptor: number, address: Bytes): boolean {
  const local = ownAddress(libc, descriptor);
  if (local === undefined || local[0] !== address[0]) return false;
  if (local[2] !== address[2] || local[3] !== address[3]) return false;
  const [from, to] = address[0] === socketConstants.AF_INET ? [4, 8] : [ipv6HostAt, ipv6HostAt + 16];
  for (let at = from; at < to; at++) if (local[at] !== address[at]) return false;
  return true;
}

function ipv4At(bytes: Bytes, at: number): number {
  return bytes[at]! * 2 ** 24 + bytes[at + 1]! * 2 ** 16 + bytes[at + 2]! * 2 ** 8 + bytes[at + 3]!;
}

function formatIpv4(ip: number): string {
  return `${ip >>> 24}.${(ip >>> 16) & 255}.${(ip >>> 8) & 255}.${ip & 255}`;
}

function encodeUnix(path: string): Bytes {
  const text = new TextEncoder().encode(path);
  if (text.length > 107) throw new RangeError(`the path of a unix socket has at most 107 bytes: ${path}`);
  return Uint8Array.of(socketConstants.AF_UNIX, 0, ...text, 0);
}

function decodeUnix(bytes: Bytes): SocketAddress | undefined {
  const end = bytes.indexOf(0, 2);
  const path = bytes.subarray(2, end < 0 ? bytes.length : end);
  return path.length === 0 ? undefined : { kind: "unix", path: new TextDecoder().decode(path) };
}

function port(number: number): [number, number] {
  return [number >> 8, number & 255];
}

function formatIpv6(bytes: Bytes): string {
  const mapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  // To a listener on [::] an IPv4 client is ::ffff:a.b.c.d.
  if (mapped) return formatIpv4(ipv4At(bytes, 12));
  const words = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i]! << 8) | bytes[2 * i + 1]!).toString(16))
    .join(":");
  return new URL(`http://[${words}]`).hostname.slice(1, -1);
}
