import { isProblem, type Problem } from "../../values/problem.ts";
import { scalar, type ScalarShape } from "./scalars.ts";

/** HTTP status codes from `from` to `to`, both included, 100..599. */
export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

const MAX_LENGTH = 1000;
const WANTED = `write codes from 100 to 599 such as "200-299" or "200,204"`;

/** Reads "200-299", "200,204", "200-299,404" or a bare 200. */
export function statusRanges(description: string): ScalarShape<readonly StatusRange[]> {
  return scalar<readonly StatusRange[]>((found) => {
    if (typeof found !== "string" && typeof found !== "number") {
      return { problem: `is not a list of status codes; ${WANTED}` };
    }
    const text = String(found);
    if (text.length > MAX_LENGTH) {
      return { problem: `is longer than ${MAX_LENGTH} characters; write ranges such as "200-299"` };
    }
    const ranges: StatusRange[] = [];
    for (const part of text.split(",")) {
      const range = parseRange(part.trim());
      if (isProblem(range)) return range;
      ranges.push(range);
    }
    return ranges;
  }, {
    description,
    anyOf: [{ type: "integer", minimum: 100, maximum: 599 }, { type: "string", pattern: "^[\\d ,-]+$" }],
  });
}

function parseRange(text: string): StatusRange | Problem {
  const wide = /^([1-5])xx$/i.exec(text);
  if (wide !== null) return { problem: `is not a list of status codes; write "${wide[1]}00-${wide[1]}99"` };
  const found = /^(\d{3})(?: *- *(\d{3}))?$/.exec(text);
  if (found === null) return { problem: `is not a list of status codes; ${WANTED}` };
  const from = Number(found[1]);
  const to = Number(found[2] ?? found[1]);
  if (from > to) return { problem: `ends before it begins; write "${to}-${from}"` };
  return from >= 100 && to <= 599 ? { from, to } : { problem: `is out of range; ${WANTED}` };
}
