import { quoted } from "../values/printable.ts";
import type { Expect } from "./spec.ts";

/** Says why a status is not the wanted one; undefined = it is. */
export function wrongStatus(status: number, expect: Expect): string | undefined {
  if (expect.status.some(({ from, to }) => status >= from && status <= to)) return undefined;
  const wanted = expect.status.map(({ from, to }) => from === to ? `${from}` : `${from}-${to}`).join(", ");
  return `status ${status}, wanted ${wanted}`;
}

/** Says why a body (its first 64 KiB) is not the wanted one; undefined = it is, or any will do. */
export function wrongBody(body: Uint8Array, expect: Expect): string | undefined {
  if (expect.body === undefined) return undefined;
  const text = new TextDecoder().decode(body).trim();
  if (text === expect.body.trim()) return undefined;
  return `body ${quoted(text)}, wanted ${quoted(expect.body.trim())}`;
}
