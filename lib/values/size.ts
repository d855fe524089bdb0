import type { Problem } from "./problem.ts";

const FORM = /^(\d{1,9})(B|KiB|MiB|GiB)$/;

function bytesIn(unit: string): number {
  switch (unit) {
    case "KiB":
      return 1024;
    case "MiB":
      return 1024 ** 2;
    case "GiB":
      return 1024 ** 3;
    default:
      return 1;
  }
}

/** Reads "512B", "64KiB", "4MiB", "1GiB" as bytes; whole numbers only. kB and MB are a problem: they mean two things. */
export function parseSize(text: string): number | Problem {
  const found = FORM.exec(text);
  if (found !== null) return Number(found[1]) * bytesIn(found[2] ?? "B");
  if (/^\d{1,9}$/.test(text)) {
    return { problem: `has no unit; write "${text}B" for bytes or "${text}KiB" for 1024 bytes each` };
  }
  return { problem: `is not a size; write a number with a unit, such as "512B", "64KiB", "4MiB" or "1GiB"` };
}

/** Writes bytes in the largest unit that keeps the number whole ("64KiB"); Infinity is "none". */
export function formatSize(bytes: number): string {
  if (bytes === Infinity) return "none";
  for (const unit of ["GiB", "MiB", "KiB"]) {
    if (bytes > 0 && bytes % bytesIn(unit) === 0) return `${bytes / bytesIn(unit)}${unit}`;
  }
  return `${bytes}B`;
}
