import { maxPartBytes } from "../../wire/http1.ts";
import { wrongBody, wrongStatus } from "../expect.ts";
import { fetchFaultOf } from "../faults.ts";
import type { ProbeTarget, UrlCheck } from "../spec.ts";
import type { ProbeInput } from "./kinds.ts";
import type { ProbeOutcome } from "./outcome.ts";

/** The HTTP client of all url checks. It is made at the first one: it reads CA files, which may not be there. */
export class UrlClient implements Disposable {
  #client: Deno.HttpClient | undefined;

  /** Throws what Deno throws where a CA store cannot be loaded; tries again the next time. */
  get(): Deno.HttpClient {
    // No idle connections: a probe is to find out whether the target takes a new one.
    return this.#client ??= Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  }

  [Symbol.dispose](): void {
    this.#client?.close();
    this.#client = undefined;
  }
}

/** Asks a URL as a browser does, with redirects, proxies and the trust of the system, and judges the answer. */
export async function probeUrl(
  { url, method, expect }: UrlCheck,
  { target, tools }: ProbeInput,
): Promise<ProbeOutcome> {
  const { signal } = tools.limit;
  let answering = false;
  try {
    const client = tools.urlClient.get();
    const response = await fetch(filledIn(url, target), {
      client,
      method,
      headers: { "user-agent": "lb" },
      signal,
    });
    answering = true;
    const wrong = wrongStatus(response.status, expect);
    const wantsBody = wrong === undefined && expect.body !== undefined;
    const body = wantsBody ? await firstBytes(response) : await response.body?.cancel();
    const detail = wrong ?? (body && wrongBody(body, expect));
    return detail === undefined
      ? { kind: "passed", detail: `status ${response.status}` }
      : { kind: "failed", detail };
  } catch (error) {
    if (signal.aborted) return { kind: "cut", answering };
    const { local, detail } = fetchFaultOf(error);
    return { kind: local ? "localFault" : "failed", detail };
  }
}

/** The URL with the target's host and port in place of `{host}` and `{port}`. */
export function filledIn(url: string, { host, port }: Pick<ProbeTarget, "host" | "port">): string {
  const literal = host.includes(":") ? `[${host}]` : host;
  return url.replaceAll("{host}", literal).replaceAll("{port}", String(port));
}

async function firstBytes({ body }: Response): Promise<Uint8Array> {
  const bytes = new Uint8Array(maxPartBytes);
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
