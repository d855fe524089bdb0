/** At most so much of a head, and of a body, is read. */
export const PART_LIMIT_BYTES = 64 * 1024;

/** What the bytes of an answer amount to so far. */
export type Answer =
  | { readonly kind: "partial"; readonly status: number | undefined }
  | { readonly kind: "invalid"; readonly reason: "garbage" | "headTooLong" | "chunks" }
  /** `body` is the first 64 KiB at most; there may be more. */
  | { readonly kind: "whole"; readonly status: number; readonly body: Uint8Array };

/**
 * Reads an HTTP/1 answer out of the bytes received up to now (RFC 9112, sections 4, 6 and 7).
 *
 * Called anew with everything after each read: nothing is kept in between, so the outcome cannot depend on how the peer cut
 * its packets, and the limits above keep the repetition cheap. `ended` = the peer has finished sending.
 */
export function readAnswer(
  bytes: Uint8Array,
  { method, ended }: { readonly method: string; readonly ended: boolean },
): Answer {
  // Latin-1 maps bytes to characters one to one, so offsets in the text are offsets in the bytes.
  const text = LATIN1.decode(bytes.subarray(0, PART_LIMIT_BYTES));
  let headAt = 0;
  for (;;) {
    const head = readHead(text.slice(headAt));
    if (head === "garbage") return { kind: "invalid", reason: "garbage" };
    if (head === "partial") {
      return text.length >= PART_LIMIT_BYTES
        ? { kind: "invalid", reason: "headTooLong" }
        : { kind: "partial", status: undefined };
    }
    headAt += head.length;
    // Interim answers (100, 103) come before the real one; 101 is an answer nobody asked for, and final.
    if (head.status >= 200 || head.status === 101) {
      return readBody(bytes.subarray(headAt), { head, method, ended });
    }
  }
}

interface Head {
  readonly status: number;
  readonly length: number;
  readonly contentLength: number | undefined;
  readonly chunked: boolean;
}

function readHead(text: string): Head | "partial" | "garbage" {
  const start = /^HTTP\/1\.[01] ([1-9]\d\d)(?=[ \r\n])/.exec(text);
  if (start === null) return couldBecomeStatusLine(text) ? "partial" : "garbage";
  // A bare LF ends a line too (RFC 9112, section 2.2).
  const end = /\r?\n\r?\n/.exec(text);
  if (end === null) return "partial";
  const fields = text.slice(0, end.index);
  const contentLength = /\ncontent-length:[ \t]*(\d+)[ \t]*(?=\r?\n|$)/i.exec(fields)?.[1];
  return {
    status: Number(start[1]),
    length: end.index + end[0].length,
    contentLength: contentLength === undefined ? undefined : Number(contentLength),
    chunked: /\ntransfer-encoding:[^\n]*chunked[ \t]*(?=\r?\n|$)/i.test(fields),
  };
}

function couldBecomeStatusLine(text: string): boolean {
  const pattern = "HTTP/1.# ### ";
  return [...text.slice(0, pattern.length)].every((c, i) =>
    pattern[i] === "#" ? /\d/.test(c) : c === pattern[i]
  );
}

function readBody(
  bytes: Uint8Array,
  { head, method, ended }: { readonly head: Head; readonly method: string; readonly ended: boolean },
): Answer {
  const { status } = head;
  const whole = (body: Uint8Array): Answer => ({
    kind: "whole",
    status,
    body: body.subarray(0, PART_LIMIT_BYTES),
  });
  if (method === "HEAD" || status === 101 || status === 204 || status === 304) return whole(new Uint8Array());
  if (head.chunked) {
    const chunks = readChunks(bytes);
    if (chunks === "invalid") return { kind: "invalid", reason: "chunks" };
    return chunks.last || bytes.length >= PART_LIMIT_BYTES ? whole(chunks.body) : { kind: "partial", status };
  }
  const wantedBytes = Math.min(head.contentLength ?? Infinity, PART_LIMIT_BYTES);
  if (bytes.length >= wantedBytes) return whole(bytes.subarray(0, wantedBytes));
  // Without a length the end of the connection is the end of the body; with one it is a cut answer.
  return ended && head.contentLength === undefined ? whole(bytes) : { kind: "partial", status };
}

function readChunks(bytes: Uint8Array): { readonly body: Uint8Array; readonly last: boolean } | "invalid" {
  const body = new Uint8Array(bytes.length);
  let written = 0;
  let at = 0;
  for (;;) {
    const lineEnd = bytes.indexOf(LF, at);
    if (lineEnd < 0) {
      // A chunk size line is short; one that goes on and on is no chunk size line.
      return bytes.length - at > 1024 ? "invalid" : { body: body.subarray(0, written), last: false };
    }
    const size = /^([0-9a-f]{1,8})[ \t]*(?:;.*)?\r?$/i.exec(LATIN1.decode(bytes.subarray(at, lineEnd)))?.[1];
    if (size === undefined) return "invalid";
    const sizeBytes = parseInt(size, 16);
    if (sizeBytes === 0) return { body: body.subarray(0, written), last: true };
    const data = bytes.subarray(lineEnd + 1, lineEnd + 1 + sizeBytes);
    body.set(data, written);
    written += data.length;
    at = lineEnd + 1 + sizeBytes;
    if (at >= bytes.length) return { body: body.subarray(0, written), last: false };
    if (bytes[at] === CR) at++;
    if (at < bytes.length && bytes[at] !== LF) return "invalid";
    at++;
  }
}

const LATIN1 = new TextDecoder("latin1");
const CR = 13;
const LF = 10;
