import type { Problem } from "./problem.ts";

const FORM = /^(\d{1,3}(?:\.\d{1,6})?)%$/;

/** Reads "10%" or "0.5%" as a fraction (0.1, 0.005), 0% to 100%. A number without % is a problem: 0.1 and 10 could mean either. */
export function parseShare(text: string): number | Problem {
  const found = FORM.exec(text);
  if (found !== null) {
    const percent = Number(found[1]);
    return percent <= 100 ? percent / 100 : { problem: `is more than the whole; write a share up to "100%"` };
  }
  if (/^\d{1,3}$/.test(text)) return { problem: `has no unit; write "${text}%"` };
  return { problem: `is not a share; write a percentage such as "10%"` };
}

/** Writes a fraction as `parseShare` reads it ("10%"). */
export function formatShare(fraction: number): string {
  return `${Number((fraction * 100).toFixed(6))}%`;
}
