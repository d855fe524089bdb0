import type { Problem } from "../../values/problem.ts";
import { describe } from "./describe.ts";
import { scalar, type ScalarProblem, type ScalarShape } from "./scalars.ts";

const EXAMPLE = `"http://{host}:8008/primary"`;
const MAX_LENGTH = 2048;

/**
 * The URL that a `url` probe asks, as it is written. `{host}` and `{port}` stand for those of the target (an IPv6 address in
 * brackets), everywhere in it and as often as wanted.
 */
export function urlTemplate(description: string): ScalarShape<string> {
  return scalar<string>((found) => {
    if (typeof found !== "string") return { problem: `is not a URL; write ${EXAMPLE}` };
    return problemOf(found) ?? found;
  }, { description, type: "string", pattern: "^[hH][tT][tT][pP][sS]?://[!-~]+$" });
}

const PLACEHOLDER = /\{(?:host|port)\}/g;

/** What may hold a user and a password, in a text that need not be a URL. */
const AUTHORITY = /^(?:[a-z][a-z0-9+.-]*:)?[\\/]*([^\\/?#]*)/i;

function problemOf(found: string): ScalarProblem | undefined {
  // Before everything else, because every other answer repeats what was found.
  if (AUTHORITY.exec(found)?.[1]?.includes("@") === true) return withCredentials(found);
  if (found.length > MAX_LENGTH) {
    return { problem: `is longer than ${MAX_LENGTH} characters; write a shorter URL` };
  }
  if (!/^https?:\/\//i.test(found)) {
    return { problem: `does not start with http:// or https://; write ${EXAMPLE}` };
  }
  if (!/^[!-~]*$/.test(found)) {
    return { problem: "has a space or a character that a URL cannot have; write it as %20 and the like" };
  }
  const brace = /\{[^{}]*\}|[{}]/.exec(found.replaceAll(PLACEHOLDER, ""))?.[0];
  if (brace !== undefined) return unknownPlaceholder(brace);
  if (found.includes("#")) {
    return { problem: `has a part behind "#", which is never sent; remove it, or write the # as %23` };
  }
  const sample = found.replaceAll("{host}", "host.example").replaceAll("{port}", "80");
  return URL.parse(sample) === null ? { problem: `is not a URL; write ${EXAMPLE}` } : undefined;
}

function unknownPlaceholder(brace: string): Problem {
  const what = brace.length === 1
    ? `has a ${describe(brace)} without its partner`
    : `has ${describe(brace)} in it`;
  return { problem: `${what}; the placeholders are {host} and {port}, and a plain brace is %7B or %7D` };
}

/** `fetch` refuses such a URL, and it would stand in every log line that names it. */
function withCredentials(found: string): ScalarProblem {
  return {
    shown: describe(found.replace(/^[^?#]*@/, "...@")),
    problem: "has a user or a password in it, which a probe cannot send; remove them, " +
      "and let the server answer this path without a login",
  };
}
