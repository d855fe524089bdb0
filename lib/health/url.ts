import { fetchFaultOf } from "./detail.ts";
import type { ProbeOutcome } from "./dial.ts";
import { wrongBody, wrongStatus } from "./expect.ts";
import { PART_LIMIT_BYTES } from "./http1.ts";
import type { ProbeTarget, UrlCheck } from "./spec.ts";

/** Asks a URL as a browser would and judges the answer. Resolves soon after `signal` aborts; never rejects. */
export async function urlAttempt(
  { url, method, expect }: UrlCheck,
  target: ProbeTarget,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  let answering = false;
  try {
    const response = await fetch(filledIn(url, target), { method, headers: { "user-agent": "lb" }, signal });
    answering = true;
    const wrong = wrongStatus(response.status, expect);
    if (wrong !== undefined || expect.body === undefined) {
      await response.body?.cancel();
      if (wrong !== undefined) return { kind: "failed", detail: wrong };
      return { kind: "passed", detail: `status ${response.status}` };
    }
    const detail = wrongBody(await firstBytes(response), expect);
    return detail === undefined
      ? { kind: "passed", detail: `status ${response.status}` }
      : { kind: "failed", detail };
  } catch (error) {
    if (signal.aborted) return { kind: "cut", answering };
    const { local, detail } = fetchFaultOf(error);
    return { kind: local ? "localFault" : "failed", detail };
  }
}

/** The URL with the target's host and port in the places of `{host}` and `{port}`. */
export function filledIn(url: string, { host, port }: Pick<ProbeTarget, "host" | "port">): string {
  const literal = host.includes(":") ? `[${host}]` : host;
  return url.replaceAll("{host}", literal).replaceAll("{port}", String(port));
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
