/** The results as Markdown. */
import type { Result } from "./judge.ts";

const head = ["row", "fault", "wanted", "measured", "engine", "verdict", "took", "machine stalled"] as const;

/** The table, with the causes of what did not pass below it. */
export function tableOf(results: readonly Result[]): string {
  const lines = [[...head], head.map(() => "---"), ...results.map(cellsOf)];
  return [...lines.map((cells) => `| ${cells.join(" | ")} |`), ...causeLines(results)].join("\n");
}

function cellsOf({ row, fault, wanted, measured, engine, verdict, seconds, stallMs }: Result): string[] {
  const shown = verdict === "passed" ? verdict : `**${verdict}**`;
  return [
    String(row),
    fault,
    wanted,
    measured,
    engine,
    shown,
    `${Math.round(seconds)} s`,
    `${Math.round(stallMs)} ms`,
  ].map(inCell);
}

function causeLines(results: readonly Result[]): string[] {
  const causes = results.filter(({ cause }) => cause !== undefined);
  if (causes.length === 0) return [];
  return [
    "",
    ...causes.map(({ row, engine, verdict, cause }) =>
      `- row ${row}, ${engine}, ${verdict}: ${inCell(cause ?? "")}`
    ),
  ];
}

/** One line, in which a bar does not end the cell. */
function inCell(text: string): string {
  return text.replace(/\s+/g, " ").replaceAll("|", "\\|");
}
