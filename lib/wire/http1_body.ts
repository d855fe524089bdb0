/** How the end of a body is found (RFC 9112, section 6.3): by its length in bytes, by chunks, or by the end of the connection. */
export type Http1Framing = number | "chunked" | "untilEnd";

/** Collects the first bytes of a body as they come in. */
export class Http1Body {
  readonly #framing: Http1Framing;
  /** So many bytes complete it: its length or the bound. */
  readonly #maxBytes: number;
  #buffer = new Uint8Array(0);
  #length = 0;
  /** Bytes of the chunk under way that are still to come. */
  #chunkLeft = 0;
  #expects: "size" | "data" | "lineEnd" = "size";
  #sizeLine = "";

  constructor({ framing, maxBytes }: { readonly framing: Http1Framing; readonly maxBytes: number }) {
    this.#framing = framing;
    this.#maxBytes = typeof framing === "number" ? Math.min(framing, maxBytes) : maxBytes;
  }

  get endsWithConnection(): boolean {
    return this.#framing === "untilEnd";
  }

  /** What has been collected. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Takes in the next bytes; `complete` at the end of the body or at the bound. */
  push(bytes: Uint8Array): "more" | "complete" | "invalid" {
    if (this.#framing === "chunked") return this.#pushChunked(bytes);
    this.#append(bytes);
    return this.#length >= this.#maxBytes ? "complete" : "more";
  }

  #pushChunked(bytes: Uint8Array): "more" | "complete" | "invalid" {
    for (let at = 0; at < bytes.length;) {
      if (this.#expects === "size") {
        const lineEnd = bytes.indexOf(lf, at);
        const end = lineEnd < 0 ? bytes.length : lineEnd;
        this.#sizeLine += latin1.decode(bytes.subarray(at, Math.min(end, at + maxSizeLineChars + 1)));
        // The line is short; one that goes on and on is no chunk size line.
        if (this.#sizeLine.length > maxSizeLineChars) return "invalid";
        if (lineEnd < 0) return "more";
        at = lineEnd + 1;
        const size = /^([0-9a-f]{1,8})[ \t]*(?:;.*)?\r?$/i.exec(this.#sizeLine)?.[1];
        if (size === undefined) return "invalid";
        this.#sizeLine = "";
        this.#chunkLeft = parseInt(size, 16);
        // Trailer fields may follow; they change nothing.
        if (this.#chunkLeft === 0) return "complete";
        this.#expects = "data";
      } else if (this.#expects === "data") {
        const data = bytes.subarray(at, at + this.#chunkLeft);
        this.#append(data);
        if (this.#length >= this.#maxBytes) return "complete";
        at += data.length;
        this.#chunkLeft -= data.length;
        if (this.#chunkLeft === 0) this.#expects = "lineEnd";
      } else {
        const byte = bytes[at++];
        if (byte === lf) this.#expects = "size";
        else if (byte !== cr || this.#chunkLeft < 0) return "invalid";
        // One CR at most may stand before the LF.
        this.#chunkLeft = byte === cr ? -1 : 0;
      }
    }
    return "more";
  }

  #append(bytes: Uint8Array): void {
    const taken = bytes.subarray(0, this.#maxBytes - this.#length);
    const length = this.#length + taken.length;
    if (length > this.#buffer.length) {
      const larger = new Uint8Array(Math.min(this.#maxBytes, Math.max(length, 2 * this.#buffer.length)));
      larger.set(this.bytes);
      this.#buffer = larger;
    }
    this.#buffer.set(taken, this.#length);
    this.#length = length;
  }
}

const maxSizeLineChars = 1024;
const latin1 = new TextDecoder("latin1");
const cr = 13;
const lf = 10;
