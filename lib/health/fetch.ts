import { formatAddress } from "../values/address.ts";
import { fetchFaultOf } from "./detail.ts";
import type { DialAddress, ProbeOutcome } from "./dial.ts";
import { wrongBody, wrongStatus } from "./expect.ts";
import type { HttpCheck } from "./spec.ts";
import { PART_LIMIT_BYTES } from "./http1.ts";

/**
 * Asks over plain HTTP with `fetch` and judges the answer.
 *
 * A wrong status is reported without waiting for the body. Resolves soon after `signal` aborts, with nothing left open; never
 * rejects. `blocked`: fetch does not go to this port whatever we say (the Fetch standard's "bad ports", 6000 for one).
 */
export async function fetchAttempt(
  spec: HttpCheck,
  address: DialAddress,
  signal: AbortSignal,
): Promise<ProbeOutcome | "blocked"> {
  const place = formatAddress({ kind: "tcp", ...address });
  using client = directClient();
  let answering = false;
  try {
    const response = await fetch(`http://${place}${spec.path}`, {
      client,
      method: spec.method,
      headers: { host: spec.host ?? place, "user-agent": "lb" },
      redirect: "manual",
      signal,
    });
    answering = true;
    const wrong = wrongStatus(response.status, spec.expect);
    const body = wrong === undefined ? await firstBytes(response) : await response.body?.cancel();
    const detail = wrong ?? wrongBody(body ?? new Uint8Array(), spec.expect);
    return detail === undefined
      ? { kind: "passed", detail: `status ${response.status}` }
      : { kind: "failed", detail };
  } catch (error) {
    if (signal.aborted) return { kind: "cut", answering };
    const { local, detail, blocked } = fetchFaultOf(error);
    if (blocked) return "blocked";
    return local ? { kind: "localFault", detail } : { kind: "failed", detail };
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
