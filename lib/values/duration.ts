import type { Problem } from "./problem.ts";

// Each unit at most once, the largest first: "30s1m" and "1m1m" are more likely a slip than a wish.
const FORM = /^(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?(?:(\d{1,12})ms)?$/;
const FORMS = `write a number with a unit, such as "250ms", "2s", "1m30s" or "1h"`;

/**
 * Reads "250ms", "2s", "1m30s", "1h" as milliseconds.
 * Units h, m, s, ms, each at most once and in that order, whole numbers only. A number without a unit is a problem: peers read it
 * in different units.
 */
export function parseDuration(text: string): number | Problem {
  const found = text === "" ? null : FORM.exec(text);
  if (found !== null) {
    const [hours, minutes, seconds, millis] = found.slice(1).map((digits) => Number(digits ?? 0));
    return (hours ?? 0) * 3_600_000 + (minutes ?? 0) * 60_000 + (seconds ?? 0) * 1000 + (millis ?? 0);
  }
  if (/^\d{1,9}$/.test(text)) {
    return { problem: `has no unit; write "${text}s" for seconds or "${text}ms" for milliseconds` };
  }
  if (/^\d{1,6}\.\d{1,6}s$/.test(text)) {
    return { problem: `is not a duration; write "${Math.round(parseFloat(text) * 1000)}ms"` };
  }
  if (/^\d{1,5}d$/.test(text)) {
    return { problem: `is not a duration, the largest unit is the hour; write "${parseInt(text) * 24}h"` };
  }
  return { problem: `is not a duration; ${FORMS}` };
}

/** Writes milliseconds as `parseDuration` reads them ("1m30s"); Infinity is "none", 0 is "0ms", fractions are rounded. */
export function formatDuration(ms: number): string {
  if (ms === Infinity) return "none";
  const whole = Math.max(0, Math.round(ms));
  const parts: string[] = [];
  const hours = Math.floor(whole / 3_600_000);
  const minutes = Math.floor(whole / 60_000) % 60;
  const seconds = Math.floor(whole / 1000) % 60;
  const millis = whole % 1000;
  if (hours > 0) parts.push(`${hours}h`);
  if (minutes > 0) parts.push(`${minutes}m`);
  if (seconds > 0) parts.push(`${seconds}s`);
  if (millis > 0) parts.push(`${millis}ms`);
  return parts.length === 0 ? "0ms" : parts.join("");
}
