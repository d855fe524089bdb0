/** A whole run for people, in Markdown. */
import { type Machine, machineLine } from "./machine.ts";
import { fewestRounds, type Options } from "./options.ts";
import type { Results } from "./rounds.ts";
import { formatNumber, legend, tableOf } from "./tables.ts";
import { workloads } from "./workloads.ts";

/** What there is to tell; `command` is what was typed. */
export interface Told {
  readonly machine: Machine;
  readonly command: string;
  readonly date: Date;
  readonly options: Options;
  readonly results: Results;
}

/** The tables with all that is needed to read them. */
export function reportOf({ machine, command, date, options, results }: Told): string {
  const { rounds, seconds } = options;
  const parts = [
    `\`${command}\`, ${
      date.toISOString().slice(0, 10)
    }: ${rounds} rounds of ${seconds} s, one thread each unless said.`,
    machineLine(machine) + ".",
    legend,
  ];
  if (rounds < fewestRounds) parts.push(`**Only ${rounds} rounds: for trying, not for quoting.**`);
  for (const workload of workloads) {
    const table = tableOf(workload, results.samples);
    if (table === undefined) continue;
    parts.push(table);
    if (workload.name === "fixed" && results.ratePerS !== undefined) {
      parts.push(
        `Load: ${
          formatNumber(results.ratePerS, 0)
        } requests/s at random moments, 60 % of the throughput of the slowest ` +
          "of lb-linux, HAProxy at its best and nginx at its best; latency counts from when a request was due.",
      );
    }
  }
  return parts.join("\n\n") + "\n";
}
