import type { Problem } from "../../values/problem.ts";
import { describe } from "./describe.ts";
import { scalar, type ScalarProblem, type ScalarShape } from "./scalars.ts";

const EXAMPLE = `"http://{host}:8008/primary"`;
const MAX_LENGTH = 2048;

/**
 * The URL that a `url` probe asks, as it is written. `{host}` and `{port}` stand for those of the target (an IPv6 address in
 * brackets), everywhere in it and as often as wanted.
 */
export function probeUrl(description: string): ScalarShape<string> {
  return scalar<string>((found) => {
    if (typeof found !== "string") return { problem: `is not a URL; write ${EXAMPLE}` };
    if (found.length > MAX_LENGTH) {
      return { problem: `is longer than ${MAX_LENGTH} characters; write a shorter URL` };
    }
    return problemOf(found) ?? found;
  }, { description, type: "string", pattern: "^[hH][tT][tT][pP][sS]?://[!-~]+$" });
}

/** Puts a target into a probe's URL; `host` is a name, an IPv4 address or an IPv6 address without brackets. */
export function fillProbeUrl(
  url: string,
  { host, port }: { readonly host: string; readonly port: number },
): string {
  const inUrl = host.includes(":") ? `[${host}]` : host;
  return url.replaceAll(PLACEHOLDER, (placeholder) => placeholder === "{host}" ? inUrl : String(port));
}

const PLACEHOLDER = /\{(?:host|port)\}/g;

function problemOf(found: string): ScalarProblem | undefined {
  const url = URL.parse(fillProbeUrl(found, { host: "host.example", port: 80 }));
  // Before everything else, because every other answer repeats what was found.
  if (url !== null && (url.username !== "" || url.password !== "")) return withCredentials(found);
  const scheme = /^https?:\/\//i.test(found);
  if (!scheme) return { problem: `does not start with http:// or https://; write ${EXAMPLE}` };
  if (!/^[!-~]*$/.test(found)) {
    return { problem: "has a space or a character that a URL cannot have; write it as %20 and the like" };
  }
  const brace = /\{[^{}]*\}|[{}]/.exec(found.replaceAll(PLACEHOLDER, ""))?.[0];
  if (brace !== undefined) return unknownPlaceholder(brace);
  if (found.includes("#")) {
    return { problem: `has a part behind "#", which is never sent; remove it, or write the # as %23` };
  }
  return url === null ? { problem: `is not a URL; write ${EXAMPLE}` } : undefined;
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
    shown: describe(found.replace(/\/\/[^/?#]*@/, "//...@")),
    problem: "has a user or a password in it, which a probe cannot send; remove them, " +
      "and let the server answer this path without a login",
  };
}
