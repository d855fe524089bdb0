/** The program in front of one target, and what is asked of it afterwards. */
import assert from "node:assert/strict";
import { type LogLine, RunningLb, type RunOptions } from "../support/lb.ts";
import { eventually } from "../support/eventually.ts";
import { atShare } from "../support/probe.ts";

/** What differs between the scenarios. */
export interface Program extends RunOptions {
  readonly workers?: number;
  readonly bind?: string;
}

/** Starts the program with one listener in front of one target, every close record in its log, and no limit on a stall. */
export function startLb(
  target: { readonly address: string },
  { workers = 1, bind = "127.0.0.1:0", ...options }: Program = {},
): Promise<RunningLb> {
  const config = {
    process: { workers },
    admin: "none",
    log: { access: "all" },
    defaults: { timeouts: { stall: "none" } },
    listeners: { web: { bind, pool: "app" } },
    pools: { app: { health: "none", targets: [target.address] } },
  };
  // JSON is YAML.
  return RunningLb.start(JSON.stringify(config), options);
}

/** Opens a connection to the program. Dispose it. */
export function connect(lb: RunningLb): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname: "127.0.0.1", port: lb.port() });
}

/** Waits until every one of so many sessions has left its close record, and gives them. */
export async function closeRecords(lb: RunningLb, count: number): Promise<readonly LogLine[]> {
  return await eventually(() => `${count} close records; there are ${lb.records.length}`, () => {
    return lb.records.length >= count && lb.records;
  });
}

/** How long the failed attempts of a session took, in milliseconds, at the 99th percentile of those that had any. */
export function addedP99Ms(records: readonly LogLine[]): number {
  const added = records.map(({ attempts }) => {
    const failed = (attempts as { error: string | null; ms: number }[]).filter(({ error }) => error !== null);
    return failed.reduce((sum, { ms }) => sum + ms, 0);
  });
  return atShare(added.filter((ms) => ms > 0), 0.99);
}

/** How often each reason stands in close records. */
export function reasonsOf(records: readonly LogLine[]): { [reason: string]: number } {
  const counted: { [reason: string]: number } = {};
  for (const { reason } of records) counted[String(reason)] = (counted[String(reason)] ?? 0) + 1;
  return counted;
}

/**
 * Asserts that so many sessions left nothing behind: a close record each and no more, as many descriptors as before
 * any of them, and no open session. Ends the program to ask it that.
 */
export async function assertFlat(
  lb: RunningLb,
  { sessions, descriptors }: { sessions: number; descriptors: number },
): Promise<void> {
  await closeRecords(lb, sessions);
  await eventually(
    () => `${descriptors} descriptors open (+-2) as at the start; there are ${lb.descriptors()}`,
    () => Math.abs(lb.descriptors() - descriptors) <= 2,
  );
  lb.kill("SIGTERM");
  assert.equal(await lb.ended(), 0);
  const drain = lb.lines.find(({ message }) => message?.startsWith("draining"))?.message;
  assert.match(String(drain), /\b0 open ones/);
  assert.equal(lb.records.length, sessions);
}
