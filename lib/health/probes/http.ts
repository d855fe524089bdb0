import { quoted } from "../../values/printable.ts";
import { type Http1Fault, Http1ResponseReader, type Http1State, maxPartBytes } from "../../wire/http1.ts";
import { wrongBody, wrongStatus } from "../expect.ts";
import { type Fault, handshakeFaultOf, isPeerGone, socketFaultOf } from "../faults.ts";
import type { HttpCheck, ProbeTarget } from "../spec.ts";
import type { ProbeInput, ProbeTools } from "./kinds.ts";
import type { ProbeOutcome } from "./outcome.ts";
import { HandshakeError, LoopbackError, overTls } from "./tls.ts";

type Wire = Disposable & Pick<Deno.Conn, "read" | "write">;

/**
 * Sends one HTTP/1.1 request on a connection of its own and judges the answer.
 *
 * A status is judged at the end of the head, and the connection closed: a body that trickles, stalls, is cut or mislabelled
 * does not matter. A body is read for `expect.body` alone. A server may answer and close before it reads: what it has sent is
 * read first. Only one that resets in the very moment of the connect is lost, because then Deno.connect itself fails.
 */
export async function probeHttp(spec: HttpCheck, { target, tools }: ProbeInput): Promise<ProbeOutcome> {
  const dialled = await tools.dialler.dial(target, { port: spec.port, limit: tools.limit });
  if (dialled.kind !== "connected") return dialled;
  const { signal } = tools.limit;
  const exchange = new Exchange(spec);
  try {
    using wire: Wire = spec.check === "http"
      ? dialled.conn
      : await overTls(dialled.conn, { name: tlsName(spec.host ?? target.host), signal });
    const interrupt = () => wire[Symbol.dispose]();
    signal.addEventListener("abort", interrupt);
    try {
      if (signal.aborted) return { kind: "cut", answering: false };
      return await exchange.run(wire, { request: request(spec, target), tools });
    } finally {
      signal.removeEventListener("abort", interrupt);
    }
  } catch (error) {
    if (signal.aborted) return { kind: "cut", answering: exchange.answering };
    const { local, detail } = faultOf(error);
    if (local) return { kind: "localFault", detail };
    return { kind: "failed", detail: exchange.answering ? `${detail} in the middle of the answer` : detail };
  }
}

function faultOf(error: unknown): Fault {
  if (error instanceof HandshakeError) return handshakeFaultOf(error.cause);
  if (!(error instanceof LoopbackError)) return socketFaultOf(error);
  const cause = error.cause === undefined ? error.message : socketFaultOf(error.cause).detail;
  return { local: true, detail: `no loopback connection for TLS: ${cause}` };
}

/** One request and what came back. */
class Exchange {
  readonly #spec: HttpCheck;
  readonly #reader: Http1ResponseReader;
  #receivedBytes = 0;

  constructor(spec: HttpCheck) {
    this.#spec = spec;
    this.#reader = new Http1ResponseReader({
      method: spec.method,
      body: spec.expect.body !== undefined,
    });
  }

  /** Some of the answer is there. */
  get answering(): boolean {
    return this.#receivedBytes > 0;
  }

  async run(
    wire: Wire,
    { request, tools }: { readonly request: Uint8Array; readonly tools: ProbeTools },
  ): Promise<ProbeOutcome> {
    await writeAll(wire, request);
    const buffer = tools.takeBuffer();
    try {
      for (;;) {
        const n = await wire.read(buffer);
        const bytes = buffer.subarray(0, n ?? 0);
        this.#receivedBytes += bytes.length;
        const outcome = this.#judge(n === null ? this.#reader.end() : this.#reader.push(bytes), bytes);
        if (outcome !== undefined) return outcome;
        if (n !== null) continue;
        const when = this.answering ? "in the middle of the answer" : "before an answer";
        return { kind: "failed", detail: `connection closed ${when}` };
      }
    } finally {
      tools.returnBuffer(buffer);
    }
  }

  #judge(state: Http1State, bytes: Uint8Array): ProbeOutcome | undefined {
    if (state.kind === "invalid") return { kind: "failed", detail: faultWords[state.reason](bytes) };
    if (state.status === undefined) return undefined;
    // A wrong status needs no body to be wrong.
    const wrong = wrongStatus(state.status, this.#spec.expect);
    if (wrong !== undefined) return { kind: "failed", detail: wrong };
    if (state.kind === "more") return undefined;
    const other = wrongBody(state.body, this.#spec.expect);
    return other === undefined
      ? { kind: "passed", detail: `status ${state.status}` }
      : { kind: "failed", detail: other };
  }
}

const faultWords: { readonly [fault in Http1Fault]: (bytes: Uint8Array) => string } = {
  statusLine: (bytes) => `not HTTP: ${quoted(new TextDecoder().decode(bytes.subarray(0, 256)))}`,
  headTooLong: () => `headers longer than ${maxPartBytes / 1024} KiB`,
  contentLength: () => "body with an unreadable Content-Length",
  chunks: () => "body with broken chunks",
};

function request(spec: HttpCheck, { host, port }: ProbeTarget): Uint8Array {
  const literal = host.includes(":") ? `[${host}]` : host;
  return utf8.encode(
    `${spec.method} ${spec.path} HTTP/1.1\r\n` +
      `Host: ${spec.host ?? `${literal}:${spec.port ?? port}`}\r\n` +
      "User-Agent: lb\r\nAccept: */*\r\nConnection: close\r\n" +
      (spec.method === "POST" ? "Content-Length: 0\r\n\r\n" : "\r\n"),
  );
}

const utf8 = new TextEncoder();

/** The name a certificate is for: a Host header without its port and brackets. */
function tlsName(host: string): string {
  const bracketed = /^\[(.*)\](?::\d+)?$/.exec(host)?.[1];
  if (bracketed !== undefined) return bracketed;
  return host.indexOf(":") === host.lastIndexOf(":") ? host.replace(/:\d*$/, "") : host;
}

async function writeAll(wire: Wire, bytes: Uint8Array): Promise<void> {
  try {
    for (let at = 0; at < bytes.length;) at += await wire.write(bytes.subarray(at));
  } catch (error) {
    // A server may answer and close without reading the request (xinetd, nc); what it said is still there to be read.
    if (!isPeerGone(error)) throw error;
  }
}
