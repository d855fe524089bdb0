import { quoted } from "../values/printable.ts";
import { faultOf } from "./detail.ts";
import { dial, type DialAddress, type ProbeOutcome } from "./dial.ts";
import { wrongBody, wrongStatus } from "./expect.ts";
import { type Answer, PART_LIMIT_BYTES, readAnswer } from "./http1.ts";
import type { HttpCheck } from "./spec.ts";
import { overTls } from "./tls.ts";

type Wire = Disposable & Pick<Deno.Conn, "read" | "write">;

/**
 * Sends one HTTP/1.1 request on a socket of its own and judges the answer: for https, and for the ports that fetch refuses.
 *
 * `fetch` cannot ask for a certificate under a name other than the address it dials. `node:https` can, but on Deno 2.4.2
 * hangs when the peer closes early, and a cut body there ends the process.
 *
 * A wrong status is reported without waiting for the body. Resolves soon after `signal` aborts, with nothing left open;
 * never rejects.
 */
export async function httpAttempt(
  spec: HttpCheck,
  address: DialAddress,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  const received = { bytes: new Uint8Array(0) };
  try {
    using conn = await open(spec, address, signal);
    const interrupt = () => conn[Symbol.dispose]();
    signal.addEventListener("abort", interrupt);
    try {
      if (signal.aborted) throw signal.reason;
      await writeAll(conn, request(spec, address));
      return await judge(conn, spec, received);
    } finally {
      signal.removeEventListener("abort", interrupt);
    }
  } catch (error) {
    const answering = received.bytes.length > 0;
    if (signal.aborted) return { kind: "cut", answering };
    const { local, detail } = faultOf(error);
    if (local) return { kind: "localFault", detail };
    return { kind: "failed", detail: answering ? `${detail} in the middle of the answer` : detail };
  }
}

async function open(spec: HttpCheck, address: DialAddress, signal: AbortSignal): Promise<Wire> {
  const plain = await dial(address, signal);
  if (spec.check === "http") return plain;
  return await overTls(plain, { name: serverName(spec.host ?? address.host), signal });
}

async function judge(conn: Wire, spec: HttpCheck, received: { bytes: Uint8Array }): Promise<ProbeOutcome> {
  const buffer = new Uint8Array(16 * 1024);
  for (;;) {
    const n = await conn.read(buffer);
    if (n !== null) received.bytes = joined(received.bytes, buffer.subarray(0, n));
    const answer = readAnswer(received.bytes, { method: spec.method, ended: n === null });
    const verdict = judgeAnswer(answer, spec, received.bytes);
    if (verdict !== undefined) return verdict;
    if (n === null) {
      const when = received.bytes.length === 0 ? "before an answer" : "in the middle of the answer";
      return { kind: "failed", detail: `connection closed ${when}` };
    }
  }
}

function judgeAnswer(answer: Answer, spec: HttpCheck, bytes: Uint8Array): ProbeOutcome | undefined {
  if (answer.kind === "invalid") return { kind: "failed", detail: INVALID[answer.reason](bytes) };
  if (answer.status === undefined) return undefined;
  const wrong = wrongStatus(answer.status, spec.expect);
  if (wrong !== undefined) return { kind: "failed", detail: wrong };
  if (answer.kind === "partial") return undefined;
  const other = wrongBody(answer.body, spec.expect);
  return other === undefined
    ? { kind: "passed", detail: `status ${answer.status}` }
    : { kind: "failed", detail: other };
}

const INVALID = {
  garbage: (bytes: Uint8Array) => `not HTTP: ${quoted(new TextDecoder().decode(bytes.subarray(0, 256)))}`,
  headTooLong: () => `headers longer than ${PART_LIMIT_BYTES / 1024} KiB`,
  chunks: () => "body with broken chunks",
};

function request(spec: HttpCheck, address: DialAddress): Uint8Array {
  const literal = address.host.includes(":") ? `[${address.host}]` : address.host;
  const lines = [
    // What is not printable ASCII cannot stand in a request line; escaped it cannot start a line of its own either.
    `${spec.method} ${
      spec.path.replace(/[^\x21-\x7e]+/g, (s) => encodeURIComponent(s.toWellFormed()))
    } HTTP/1.1`,
    `Host: ${(spec.host ?? `${literal}:${address.port}`).replace(/[^\x21-\x7e]/g, "")}`,
    "User-Agent: lb",
    "Accept: */*",
    "Connection: close",
    ...(/^(GET|HEAD|OPTIONS)$/.test(spec.method) ? [] : ["Content-Length: 0"]),
  ];
  return new TextEncoder().encode(lines.join("\r\n") + "\r\n\r\n");
}

/** The name a certificate is for: a Host header without its port. */
function serverName(host: string): string {
  const bracketed = /^\[(.*)\](?::\d+)?$/.exec(host)?.[1];
  if (bracketed !== undefined) return bracketed;
  return host.indexOf(":") === host.lastIndexOf(":") ? host.replace(/:\d*$/, "") : host;
}

async function writeAll(conn: Wire, bytes: Uint8Array): Promise<void> {
  try {
    for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
  } catch (error) {
    // A server may answer and close without reading the request; what it said is still there to be read.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
