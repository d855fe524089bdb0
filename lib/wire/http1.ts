import { Http1Body } from "./http1_body.ts";

/** At most so many bytes of the heads of an answer (interim answers count too), and of its body, are read. */
export const maxPartBytes = 64 * 1024;

/** What the bytes of an answer amount to so far. */
export type Http1State =
  /** `status` is known once the head is complete. At the end of the connection: a cut answer. */
  | { readonly kind: "more"; readonly status: number | undefined }
  /** `body` holds the first 64 KiB at most, nothing where none was asked for; there may be more on the connection. */
  | { readonly kind: "parsed"; readonly status: number; readonly body: Uint8Array }
  | { readonly kind: "invalid"; readonly reason: Http1Fault };

/** What makes an answer unreadable; the last two only where a body is asked for. */
export type Http1Fault = "statusLine" | "headTooLong" | "contentLength" | "chunks";

export interface Http1ResponseOptions {
  /** The method of the request: the answer to HEAD has no body whatever it says. */
  readonly method: string;
  /** Without a body the answer is parsed once its head is complete, however the body is labelled. */
  readonly body: boolean;
}

/**
 * Reads one HTTP/1 answer as its bytes come in (RFC 9112, sections 2 to 7); where they are cut makes no difference.
 *
 * Each byte is read a bounded number of times, and at most 64 KiB of head and of body are kept. As lenient as
 * HAProxy where health servers are careless: a bare LF ends a line, empty lines may come first, the reason phrase may be
 * missing. Interim answers (100, 102, 103) are skipped; 101 is an answer nobody asked for, and final.
 */
export class Http1ResponseReader {
  readonly #options: Http1ResponseOptions;
  /** The line that has no end yet. */
  #line = "";
  #headBytes = 0;
  #status: number | undefined;
  #lengths: string[] = [];
  #chunked = false;
  #body: Http1Body | undefined;
  #final: Http1State | undefined;

  constructor(options: Http1ResponseOptions) {
    this.#options = options;
  }

  /** Takes in the next bytes. They are copied where they are kept. After `parsed` or `invalid` nothing changes any more. */
  push(bytes: Uint8Array): Http1State {
    if (this.#final !== undefined) return this.#final;
    let at = 0;
    if (this.#body === undefined) {
      at = this.#pushHead(bytes);
      if (this.#final !== undefined) return this.#final;
    }
    const body: Http1Body | undefined = this.#body;
    return body === undefined
      ? { kind: "more", status: undefined }
      : this.#pushBody(body, bytes.subarray(at));
  }

  /** The peer has finished sending: without a length that is the end of the body. */
  end(): Http1State {
    if (this.#final !== undefined) return this.#final;
    const status = this.#status;
    if (this.#body?.endsWithConnection !== true || status === undefined) {
      return this.#end({ kind: "more", status: this.#body === undefined ? undefined : status });
    }
    return this.#end({ kind: "parsed", status, body: this.#body.bytes });
  }

  /** Returns where the body begins, if it does. */
  #pushHead(bytes: Uint8Array): number {
    // Latin-1 maps bytes to characters one to one, so offsets in the text are offsets in the bytes.
    const text = latin1.decode(bytes.subarray(0, maxPartBytes - this.#headBytes));
    let at = 0;
    for (let lineEnd = text.indexOf("\n"); lineEnd >= 0; lineEnd = text.indexOf("\n", at)) {
      const line = this.#line + text.slice(at, lineEnd);
      this.#headBytes += lineEnd + 1 - at;
      at = lineEnd + 1;
      this.#line = "";
      this.#takeLine(line.endsWith("\r") ? line.slice(0, -1) : line);
      if (this.#final !== undefined || this.#body !== undefined) return at;
    }
    const checked = this.#line.length;
    this.#line += text.slice(at);
    this.#headBytes += text.length - at;
    if (this.#status === undefined && checked < checkedChars && !startsStatusLine(this.#line)) {
      this.#end({ kind: "invalid", reason: "statusLine" });
    } else if (this.#headBytes >= maxPartBytes) {
      this.#end({ kind: "invalid", reason: "headTooLong" });
    }
    return text.length;
  }

  #takeLine(line: string): void {
    if (this.#status === undefined) return this.#takeStatusLine(line);
    if (line === "") return this.#endHead(this.#status);
    const colon = line.indexOf(":");
    // Only two fields matter here; the first letters spare the others the work.
    if (colon < 0 || !/^[ct]/i.test(line)) return;
    const name = line.slice(0, colon).trimEnd().toLowerCase();
    const value = line.slice(colon + 1);
    if (name === "content-length") this.#lengths.push(...value.split(",").map((length) => length.trim()));
    if (name === "transfer-encoding") this.#chunked = value.trim().toLowerCase().endsWith("chunked");
  }

  #takeStatusLine(line: string): void {
    if (line === "") return;
    const status = /^HTTP\/\d\.\d +([1-9]\d\d)(?: |$)/.exec(line)?.[1];
    if (status === undefined) this.#end({ kind: "invalid", reason: "statusLine" });
    else this.#status = Number(status);
  }

  #endHead(status: number): void {
    const lengths = new Set(this.#lengths);
    const chunked = this.#chunked;
    this.#lengths = [];
    this.#chunked = false;
    if (status < 200 && status !== 101) {
      this.#status = undefined;
      return;
    }
    const bodiless = !this.#options.body || this.#options.method === "HEAD" ||
      status === 101 || status === 204 || status === 304;
    if (bodiless) return void this.#end({ kind: "parsed", status, body: new Uint8Array() });
    const [length] = lengths;
    if (!chunked && length !== undefined && (lengths.size > 1 || !/^\d+$/.test(length))) {
      return void this.#end({ kind: "invalid", reason: "contentLength" });
    }
    this.#body = new Http1Body({
      framing: chunked ? "chunked" : length === undefined ? "untilEnd" : Number(length),
      maxBytes: maxPartBytes,
    });
  }

  #pushBody(body: Http1Body, bytes: Uint8Array): Http1State {
    const status = this.#status ?? 0;
    const state = body.push(bytes);
    if (state === "invalid") return this.#end({ kind: "invalid", reason: "chunks" });
    return state === "complete"
      ? this.#end({ kind: "parsed", status, body: body.bytes })
      : { kind: "more", status };
  }

  #end(state: Http1State): Http1State {
    this.#final = state;
    return state;
  }
}

const latin1 = new TextDecoder("latin1");

/** So many characters of a status line are checked before its end has come. */
const checkedChars = 16;

/** Whether a status line can begin so. Holds for every beginning of a text for which it holds. */
function startsStatusLine(text: string): boolean {
  const start = text.slice(0, checkedChars);
  const version = "HTTP/#.# ";
  const fits = [...start.slice(0, version.length)].every((character, i) =>
    version[i] === "#" ? /\d/.test(character) : character === version[i]
  );
  if (start === "\r") return true;
  return fits && /^ *(?:[1-9](?:\d(?:\d(?:[ \r].*)?)?)?)?$/s.test(start.slice(version.length));
}
