import { formatAddress } from "../values/address.ts";
import { fetchFaultOf } from "./detail.ts";
import type { Attempt } from "./dial.ts";
import { wrongBody, wrongStatus } from "./expect.ts";
import type { HttpCheck, ProbeTarget, UrlCheck } from "./spec.ts";
import { PART_LIMIT_BYTES } from "./http1.ts";

/**
 * Asks over plain HTTP with `fetch` and judges the answer.
 *
 * A wrong status is reported without waiting for the body. Resolves soon after `signal` aborts, with nothing left open; never
 * rejects. `blocked`: fetch does not go to this port whatever we say (the Fetch standard's "bad ports", 6000 for one).
 */
export async function fetchAttempt(
  spec: HttpCheck,
  address: ProbeTarget,
  signal: AbortSignal,
): Promise<Attempt | "blocked"> {
  const place = formatAddress({ kind: "tcp", ...address });
  using client = directClient();
  const headers = { host: spec.host ?? place, "user-agent": "lb" };
  return await ask(`http://${place}${spec.path}`, spec, { client, headers, redirect: "manual", signal });
}

/** Asks the URL of a check, with the target put into it, and judges the answer. */
export async function urlAttempt(
  spec: UrlCheck,
  { host, port }: ProbeTarget,
  signal: AbortSignal,
): Promise<Attempt> {
  const name = host.includes(":") ? `[${host}]` : host;
  const url = spec.url.replaceAll("{host}", name).replaceAll("{port}", String(port));
  const attempt = await ask(url, spec, { headers: { "user-agent": "lb" }, signal });
  return attempt === "blocked"
    ? { kind: "failed", detail: "fetch does not go to this port, whatever serves there" }
    : attempt;
}

async function ask(
  url: string,
  spec: Pick<HttpCheck, "method" | "expect">,
  options: RequestInit & { readonly client?: Deno.HttpClient; readonly signal: AbortSignal },
): Promise<Attempt | "blocked"> {
  const { signal } = options;
  let answering = false;
  try {
    const response = await fetch(url, { ...options, method: spec.method });
    answering = true;
    const wrong = wrongStatus(response.status, spec.expect);
    const body = wrong === undefined ? await firstBytes(response) : await response.body?.cancel();
    const detail = wrong ?? wrongBody(body ?? new Uint8Array(), spec.expect);
    return detail === undefined
      ? { kind: "ok", detail: `status ${response.status}` }
      : { kind: "failed", detail };
  } catch (error) {
    if (signal.aborted) return { kind: "cut", answering };
    const { ours, detail, blocked } = fetchFaultOf(error);
    if (blocked) return "blocked";
    return ours ? { kind: "ours", detail } : { kind: "failed", detail };
  }
}

/**
 * A client that dials the address in the URL itself: no idle connections, and no proxy from the environment, which a
 * client reads when it is made. (A client of transport `tcp` would also dial directly, but sends `GET http://host/path`, the
 * form meant for proxies, and many servers do not find that path.)
 */
function directClient(): Deno.HttpClient {
  const kept = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"].flatMap((name) => {
    const value = readable(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  for (const [name] of kept) Deno.env.delete(name);
  try {
    return Deno.createHttpClient({ allowHost: true, poolMaxIdlePerHost: 0 });
  } finally {
    for (const [name, value] of kept) Deno.env.set(name, value);
  }
}

function readable(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch {
    // Without the permission to see it we cannot take it out of the way.
    return undefined;
  }
}

async function firstBytes({ body }: Response): Promise<Uint8Array> {
  const bytes = new Uint8Array(PART_LIMIT_BYTES);
  let length = 0;
  for await (const chunk of body ?? []) {
    const part = chunk.subarray(0, bytes.length - length);
    bytes.set(part, length);
    length += part.length;
    // Leaving the loop cancels the rest.
    if (length === bytes.length) break;
  }
  return bytes.subarray(0, length);
}
