import { quoted } from "../../values/printable.ts";

/** Names any value of the file for a message: a quoted text, a number, "a list". */
export function describe(value: unknown): string {
  if (typeof value === "string") return value === "" ? `""` : quoted(value);
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  return "a mapping";
}
