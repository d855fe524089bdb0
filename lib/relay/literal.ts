/** IP literals in text: what an engine connects to and listens on, which never looks a name up. */
import { formatAddress, type SocketAddress } from "../values/address.ts";

/** Whether an address is one: a unix path, or a host that is an IPv4 or IPv6 address. */
export function isLiteral(address: SocketAddress): boolean {
  return address.kind === "unix" || parseIpv4(address.host) !== undefined ||
    parseIpv6(address.host) !== undefined;
}

/** What is wrong with an address that is a host name. */
export function notAnAddress(address: SocketAddress): string {
  return `${formatAddress(address)} is a host name, not an IP address`;
}

/** The four bytes of an IPv4 address; undefined for anything else. */
export function parseIpv4(host: string): readonly number[] | undefined {
  const parts = host.split(".");
  const numbers = parts.map(Number);
  const valid = parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part)) &&
    numbers.every((n) => n < 256);
  return valid ? numbers : undefined;
}

/** The sixteen bytes of an IPv6 address (RFC 4291, section 2.2, with an IPv4 tail, 2.2.3); undefined for anything else. */
export function parseIpv6(host: string): readonly number[] | undefined {
  if (!/^[0-9a-fA-F:.]+$/.test(host) || !host.includes(":")) return undefined;
  const [head = "", tail, ...more] = host.split("::");
  if (more.length > 0) return undefined;
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  if (front === undefined || back === undefined) return undefined;
  const missing = 16 - front.length - back.length;
  if (tail === undefined ? missing !== 0 : missing < 2) return undefined;
  return [...front, ...new Array<number>(missing).fill(0), ...back];
}

function groups(text: string): number[] | undefined {
  if (text === "") return [];
  const bytes = text.split(":").map((group, index, all) => {
    if (index === all.length - 1 && group.includes(".")) return parseIpv4(group);
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
    const number = parseInt(group, 16);
    return [number >> 8, number & 255];
  });
  return bytes.includes(undefined) ? undefined : (bytes as number[][]).flat();
}
