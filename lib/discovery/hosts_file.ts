/** The text of /etc/hosts, hosts(5). */
import { canonicalIp } from "../values/ip.ts";
import { canonicalName } from "./host_name.ts";

/** For each canonical name its canonical addresses, in the file's order, each once. */
export type HostsFile = ReadonlyMap<string, readonly string[]>;

/** Reads the text of a hosts file: an address and its names in each line. Lines that are none are passed over. */
export function parseHosts(text: string, { maxAddresses }: { readonly maxAddresses: number }): HostsFile {
  const entries = new Map<string, string[]>();
  for (const line of text.split("\n")) {
    const [written, ...names] = line.split("#", 1)[0]!.trim().split(/\s+/);
    const address = canonicalIp(written!);
    if (address === undefined) continue;
    for (const name of names.map(canonicalName)) {
      const known = entries.get(name);
      if (known === undefined) entries.set(name, [address]);
      else if (known.length < maxAddresses && !known.includes(address)) known.push(address);
    }
  }
  return entries;
}
