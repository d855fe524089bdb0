/** Whether a server listens, from the kernel's table: so it works in any network namespace, and costs the server nothing. */

/** An IPv4 address and a port. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** Whether a process's network has a listener there; false when the process is gone. */
export function listens(pid: number, endpoint: Endpoint): boolean {
  try {
    return hasListener(Deno.readTextFileSync(`/proc/${pid}/net/tcp`), endpoint);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || /os error 3\b/.test(String(error))) return false;
    throw error;
  }
}

/** Whether the text of a /proc/PID/net/tcp has this listener. Addresses there are 32-bit words of a little-endian machine. */
export function hasListener(table: string, { address, port }: Endpoint): boolean {
  const hex = (value: number, digits: number) => value.toString(16).toUpperCase().padStart(digits, "0");
  const word = address.split(".").toReversed().map((byte) => hex(Number(byte), 2)).join("");
  const local = `${word}:${hex(port, 4)}`;
  return table.split("\n").some((row) => {
    const [, found, , state] = row.trim().split(/\s+/);
    return found === local && state === "0A";
  });
}
