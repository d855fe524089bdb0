/** The results as Markdown. */
import type { LegName } from "./leg.ts";
import { byRound, type Sample } from "./samples.ts";
import { isPeer, lbOf, type ServerName } from "./server_names.ts";
import { bestOf, pairedRatio, type Rounds, summarise } from "./statistics.ts";
import type { Figure, Workload } from "./workloads.ts";

/** What a reader has to know to read the figures. */
export const legend =
  "Each cell: median (least - greatest) over the rounds. The ratio in brackets: the median of the " +
  "ratios, round by round, to the peer with the best median in that column (its own is [1.00]); `*` marks lb where it " +
  "is at least as good. `!` marks a figure with problems, listed below its table. A line " +
  "`lb-linux` / `lb-linux-NAME` has the median of the ratios of the two, round by round; `(worse)` is more than 3 %.";

/** One workload's table on one leg, with its problems below; undefined when nothing was measured. */
export function tableOf(
  workload: Workload,
  { leg, samples }: { leg: LegName; samples: readonly Sample[] },
): string | undefined {
  const own = samples.filter((sample) => sample.workload === workload.name);
  const servers = [...new Set(own.map(({ server }) => server))];
  if (servers.length === 0) return undefined;
  const columns = workload.figures.map((figure) => columnOf(figure, { workload, servers, samples: own }));
  const rows = servers.map((server, row) => {
    const doubtful = own.some((sample) => sample.server === server && sample.problems.length > 0);
    return [server + (doubtful ? " !" : ""), ...columns.map((column) => column[row]!)];
  });
  const head = ["server", ...workload.figures.map(({ title }) => title)];
  return [
    `### ${workload.title}, ${leg}`,
    "",
    ...markdown([head, ...rows]),
    ...comparisonLines({ workload, servers, samples: own }),
    ...problemLines(own),
  ].join("\n");
}

interface Measured {
  readonly workload: Workload;
  readonly servers: readonly ServerName[];
  readonly samples: readonly Sample[];
}

function columnOf(figure: Figure, { workload, servers, samples }: Measured): string[] {
  const rounds = new Map(servers.map((server): [ServerName, Rounds] => [
    server,
    byRound(samples, { workload: workload.name, server, figure: figure.key }),
  ]));
  const peers = new Map([...rounds].filter(([server]) => isPeer(server)));
  const best = figure.compared ? bestOf(peers, figure.better) : undefined;
  return servers.map((server) => {
    const own = rounds.get(server)!;
    const summary = summarise([...own.values()]);
    if (summary === undefined) return "-";
    const [middle, least, greatest] = [summary.median, summary.min, summary.max].map((value) =>
      formatNumber(value, figure.digits)
    );
    const ratio = best === undefined
      ? ""
      : ` ${formatRatio(pairedRatio(own, rounds.get(best)!), { figure, server })}`;
    return `${middle} (${least} - ${greatest})${ratio}`;
  });
}

/** More than this share worse is marked. */
const tolerance = 0.03;

/** This tree beside each further lb on the same engine: for each figure the median of the rounds' ratios. */
function comparisonLines({ workload, servers, samples }: Measured): string[] {
  const lines = servers.flatMap((other) => {
    const { engine, program } = lbOf(other) ?? {};
    const own = servers.find((name) => name === `lb-${engine}`);
    if (program === undefined || own === undefined) return [];
    const ratios = workload.figures.map((figure) => {
      const [values, reference] = [own, other].map((server) =>
        byRound(samples, { workload: workload.name, server, figure: figure.key })
      );
      const ratio = pairedRatio(values!, reference!);
      const worse = figure.better === "higher" ? ratio < 1 - tolerance : ratio > 1 + tolerance;
      return `${figure.title} ${Number.isNaN(ratio) ? "-" : ratio.toFixed(3)}${worse ? " (worse)" : ""}`;
    });
    return [`- \`${own}\` / \`${other}\`: ${ratios.join(", ")}`];
  });
  return lines.length === 0 ? [] : ["", ...lines];
}

function formatRatio(ratio: number, { figure, server }: { figure: Figure; server: ServerName }): string {
  if (Number.isNaN(ratio)) return "[-]";
  const good = server.startsWith("lb") && (figure.better === "higher" ? ratio >= 1 : ratio <= 1);
  return `[${ratio.toFixed(2)}${good ? "*" : ""}]`;
}

/** A number with thousands separated. */
export function formatNumber(value: number, digits: number): string {
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function problemLines(samples: readonly Sample[]): string[] {
  const lines = samples.flatMap(({ server, round, problems }) =>
    problems.length === 0 ? [] : [`- \`${server}\`, round ${round}: ${problems.join(", ")}`]
  );
  return lines.length === 0 ? [] : ["", "Problems:", "", ...lines];
}

function markdown([head, ...rows]: readonly string[][]): string[] {
  const all = [head!, ...rows];
  const widths = head!.map((_, column) => Math.max(3, ...all.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, i) => i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)).join(" | ")} |`;
  const rule = widths.map((width, i) => i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`);
  return [line(head!), `| ${rule.join(" | ")} |`, ...rows.map(line)];
}
