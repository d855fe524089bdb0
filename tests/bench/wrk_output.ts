/** Reads what wrk prints with `--latency`. */

/** What wrk counted. `requests` were answered; the errors are counts too. */
export interface WrkResult {
  readonly requests: number;
  readonly requestsPerS: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly errors: { readonly [kind: string]: number };
}

const msPerUnit: { readonly [unit: string]: number } = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Throws with the text when it is not the output of a finished run. */
export function parseWrk(text: string): WrkResult {
  const requests = Number(/^\s*(\d+) requests in /m.exec(text)?.[1]);
  const requestsPerS = Number(/^Requests\/sec:\s*([\d.]+)/m.exec(text)?.[1]);
  const [p50Ms, p99Ms] = [latency(text, "50"), latency(text, "99")];
  if ([requests, requestsPerS, p50Ms, p99Ms].some(Number.isNaN)) {
    throw new Error(`wrk printed what this program cannot read:\n${text}`);
  }
  return { requests, requestsPerS, p50Ms, p99Ms, errors: errorsOf(text) };
}

function latency(text: string, percent: string): number {
  const found = new RegExp(`^\\s*${percent}%\\s+([\\d.]+)(us|ms|s|m|h)\\s*$`, "m").exec(text);
  return found === null ? NaN : Number(found[1]) * msPerUnit[found[2]!]!;
}

function errorsOf(text: string): Record<string, number> {
  const socket = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text);
  const [connect = 0, read = 0, write = 0, timeout = 0] = (socket ?? []).slice(1).map(Number);
  const status = Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0);
  return { connect, read, write, timeout, status };
}

/** The errors in words, none for a clean run; a run without a single answer is one as well. */
export function problemsOf({ errors, requests }: WrkResult): string[] {
  const counted = Object.entries(errors).filter(([, count]) => count > 0);
  const words = counted.map(([kind, count]) =>
    kind === "status" ? `${count} not 2xx` : `${count} ${kind} errors`
  );
  return requests === 0 ? [...words, "no answer at all"] : words;
}
