/** The program with several listeners, for the scenarios in which they come, go and move. */
import assert from "node:assert/strict";
import type { LogLine } from "../support/lb.ts";
import { eventually } from "../support/eventually.ts";
import { Client } from "../support/client.ts";

/** Listeners by name: where, and which pool serves; pools by name: their targets. */
export interface Fronts {
  readonly listeners: { readonly [name: string]: readonly [bind: string | readonly string[], pool: string] };
  readonly pools: { readonly [name: string]: readonly { readonly address: string }[] };
  readonly process?: { readonly [key: string]: unknown };
  readonly top?: { readonly [key: string]: unknown };
}

/** A configuration with two data-plane threads, every close record in its log, and no health checks. */
export function fronts({ listeners, pools, process = {}, top = {} }: Fronts): string {
  const mapped = <From, To>(of: { readonly [name: string]: From }, to: (from: From) => To) =>
    Object.fromEntries(Object.entries(of).map(([name, from]) => [name, to(from)]));
  // JSON is YAML.
  return JSON.stringify({
    process: { workers: 2, maxConnections: 2_000, ...process },
    admin: "none",
    log: { access: "all" },
    listeners: mapped(listeners, ([bind, pool]) => ({ bind, pool })),
    pools: mapped(pools, (targets) => ({ health: "none", targets: targets.map(({ address }) => address) })),
    ...top,
  });
}

/** Fails unless a reload was done, and its line has all of these words. */
export function assertReloaded({ message = "" }: LogLine, ...words: readonly string[]): void {
  assert.match(message, /^reloaded /);
  for (const word of words) assert.ok(message.includes(word), `${JSON.stringify(word)} in: ${message}`);
}

/** Fails unless a reload was refused, and its line has all of these words. */
export function assertReloadRefused({ level, message = "" }: LogLine, ...words: readonly string[]): void {
  assert.equal(level, "error");
  assert.match(message, /^reload refused: /);
  for (const word of words) assert.ok(message.includes(word), `${JSON.stringify(word)} in: ${message}`);
}

/** Waits until nobody listens on an address any more: a listener that goes first serves who waits there. */
export async function becomesClosed(port: number, hostname = "127.0.0.1"): Promise<void> {
  await eventually(`${hostname}:${port} refuses`, () => isClosed(port, hostname));
}

/** Whether nobody listens there. */
export async function isClosed(port: number, hostname = "127.0.0.1"): Promise<boolean> {
  try {
    using _client = await Client.open(port, hostname);
    return false;
  } catch (error) {
    // It was still there when we came, and closed before we were accepted.
    if (error instanceof Deno.errors.ConnectionReset) return false;
    return error instanceof Deno.errors.ConnectionRefused;
  }
}
