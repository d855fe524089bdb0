/** Host names as they are compared: DNS knows no difference between upper and lower case (RFC 4343). */

/** Bytes of a name without its last dot: 255 in a message (RFC 1035, 3.1), two of them for lengths. */
const maxNameBytes = 253;
const maxLabelBytes = 63;

/** Lower case, without the dot at the end that says "this name is complete". */
export function canonicalName(host: string): string {
  return host.toLowerCase().replace(/\.$/, "");
}

/** Tells whether a name can be asked for: labels of 1 to 63 printable ASCII characters, 253 characters in all. */
export function isHostName(name: string): boolean {
  return name.length <= maxNameBytes &&
    name.split(".").every((label) => label.length <= maxLabelBytes && /^[!-~]+$/.test(label));
}

/** Tells whether a canonical name means this machine itself, whatever DNS says (RFC 6761, 6.3). */
export function isLocalhost(name: string): boolean {
  return name === "localhost" || name.endsWith(".localhost");
}
