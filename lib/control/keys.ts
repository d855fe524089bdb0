/** The keys under which slots of shared memory, verdicts and binds are kept. */
import { formatAddress, type SocketAddress } from "../values/address.ts";

export const processKey = "process";

export function listenerKey(listener: string): string {
  return `listener ${listener}`;
}

export function targetKey(pool: string, target: string): string {
  return `target ${pool}/${target}`;
}

/** The kind and the name of what has a key that `listenerKey` or `targetKey` made. */
export function kindAndNameOf(key: string): { readonly kind: string; readonly name: string } {
  const at = key.indexOf(" ");
  return { kind: key.slice(0, at), name: key.slice(at + 1) };
}

/** The pool and the target of a key that `targetKey` made. A name of a pool has no slash in it. */
export function targetOfKey(key: string): { readonly pool: string; readonly target: string } {
  const [, pool = "", target = ""] = /^target ([^/]+)\/(.*)$/s.exec(key) ?? [];
  return { pool, target };
}

/** An address is bound once, whichever listener has it; port 0 is another port for each listener that asks for it. */
export function bindKey(
  address: SocketAddress,
  { listener, index }: { listener: string; index: number },
): string {
  const text = formatAddress(address);
  return address.kind === "tcp" && address.port === 0 ? `${text} of ${listener}, ${index}` : text;
}
