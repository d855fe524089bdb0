/** A whole run for people, in Markdown. */
import { type Machine, machineLine } from "./machine.ts";
import { minQuotableRounds, type Options } from "./options.ts";
import type { LegResults } from "./rounds.ts";
import { formatNumber, legend, tableOf } from "./tables.ts";
import { type Workload, workloads } from "./workloads.ts";

/** What a report is made from; `command` is what was typed, `skipped` a line for each leg that was asked for in vain. */
export interface ReportInput {
  readonly machine: Machine;
  readonly command: string;
  readonly date: Date;
  readonly options: Options;
  readonly results: readonly LegResults[];
  readonly skipped: readonly string[];
}

/** The tables with all that is needed to read them. */
export function reportOf({ machine, command, date, options, results, skipped }: ReportInput): string {
  const { rounds, seconds } = options;
  const day = date.toISOString().slice(0, 10);
  const parts = [
    `\`${command}\`, ${day}: ${rounds} rounds of ${seconds} s, one thread each unless said.`,
    machineLine(machine) + ".",
    legend,
    ...skipped.map((line) => `**${line}.**`),
  ];
  if (rounds < minQuotableRounds) parts.push(`**Only ${rounds} rounds: for trying, not for quoting.**`);
  for (const workload of workloads) {
    for (const result of results) parts.push(...sectionOf(workload, result));
  }
  return parts.join("\n\n") + "\n";
}

function sectionOf(workload: Workload, { leg, samples, ratePerS }: LegResults): string[] {
  const table = tableOf(workload, { leg, samples });
  if (table === undefined) return [];
  if (workload.name !== "fixed" || ratePerS === undefined) return [table];
  const load =
    `Load: ${formatNumber(ratePerS, 0)} requests/s at random moments, 60 % of the throughput of the ` +
    "slowest of lb-linux, HAProxy at its best and nginx at its best; latency counts from when a request was due.";
  return [table, load];
}
