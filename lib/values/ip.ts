/** IP addresses as text. */

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/** Tells whether a text is an IPv4 address: four numbers from 0 to 255 without leading zeros. */
export function isIpv4(text: string): boolean {
  return IPV4.test(text);
}

/** Writes an IPv6 address, given without brackets and scope, as RFC 5952 has it; undefined when the text is none. */
export function canonicalIpv6(text: string): string | undefined {
  if (!/^[0-9a-f:.]{2,45}$/i.test(text) || !text.includes(":")) return undefined;
  // The URL parser knows every form of an IPv6 address and writes the one of RFC 5952.
  const url = URL.parse(`http://[${text}]/`);
  return url === null ? undefined : url.hostname.slice(1, -1);
}

/** Writes an address of either family in its one form; undefined when the text is none. */
export function canonicalIp(text: string): string | undefined {
  return isIpv4(text) ? text : canonicalIpv6(text);
}
