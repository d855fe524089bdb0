import assert from "node:assert/strict";
import fc from "fast-check";
import { Http1ResponseReader, type Http1State, maxPartBytes } from "../../lib/wire/http1.ts";

interface Reading {
  readonly ended?: boolean;
  readonly method?: string;
  readonly body?: boolean;
  /** Where the bytes are cut; none = all at once. */
  readonly cuts?: readonly number[];
}

function read(input: string | Uint8Array, reading: Reading = {}): Http1State {
  const { ended = false, method = "GET", body = true, cuts = [] } = reading;
  const bytes = typeof input === "string" ? Uint8Array.from(input, (c) => c.charCodeAt(0)) : input;
  const reader = new Http1ResponseReader({ method, body });
  let state = reader.push(new Uint8Array());
  const bounds = [0, ...cuts, bytes.length];
  // A buffer that is overwritten after each push, as the one of a socket is.
  for (let i = 1; i < bounds.length; i++) {
    const piece = bytes.slice(bounds[i - 1], bounds[i]);
    state = reader.push(piece);
    piece.fill(0x21);
  }
  return ended ? reader.end() : state;
}

function everyByte(length: number): number[] {
  return Array.from({ length: Math.max(0, length - 1) }, (_, i) => i + 1);
}

function bodyOf(state: Http1State): string {
  assert.equal(state.kind, "parsed");
  return state.kind === "parsed" ? new TextDecoder().decode(state.body) : "";
}

Deno.test("a body ends at its length, its last chunk, or the end of the connection", () => {
  assert.equal(bodyOf(read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nup and more")), "up");
  assert.equal(
    bodyOf(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nu\r\n1;x=y\r\np\r\n0\r\n\r\n")),
    "up",
  );
  assert.equal(bodyOf(read("HTTP/1.0 200 OK\n\nup", { ended: true })), "up");
  assert.equal(bodyOf(read("HTTP/1.1 204 No\r\n\r\n")), "");
  assert.equal(bodyOf(read("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")), "");
  assert.equal(bodyOf(read("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", { method: "HEAD" })), "");
});

Deno.test("without a body the answer is parsed at the end of its head, whatever the head says of the body", () => {
  const labels = [
    "Content-Length: 9",
    "Content-Length: abc",
    "Content-Length: 1\r\nContent-Length: 2",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: gzip",
    "Content-Type: text/plain; charset=klingon",
    "no colon here",
  ];
  for (const label of labels) {
    assert.deepEqual(
      read(`HTTP/1.1 200 OK\r\n${label}\r\n\r\n`, { body: false }),
      { kind: "parsed", status: 200, body: new Uint8Array() },
      label,
    );
  }
});

Deno.test("a wanted body needs one readable length", () => {
  for (const label of ["abc", "-1", "", "1\r\nContent-Length: 2", "1, 2"]) {
    const state = read(`HTTP/1.1 200 OK\r\nContent-Length: ${label}\r\n\r\n`);
    assert.deepEqual(state, { kind: "invalid", reason: "contentLength" }, label);
  }
  const twice = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nCONTENT-LENGTH : 2\r\n\r\nup";
  assert.equal(bodyOf(read(twice)), "up");
});

Deno.test("careless status lines are read as HAProxy reads them", () => {
  const lines = [
    "HTTP/1.0 200",
    "HTTP/1.0 200 ",
    "HTTP/1.1  200 OK",
    "\r\nHTTP/1.1 200 OK",
    "HTTP/2.0 200 OK",
  ];
  for (const line of lines) {
    assert.equal(read(`${line}\r\n\r\n`, { body: false }).kind, "parsed", line);
  }
});

Deno.test("interim answers are skipped, switching protocols is final", () => {
  const text =
    "HTTP/1.1 103 Early\r\nLink: x\r\ncontent-length: 9\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nup";
  assert.equal(bodyOf(read(text)), "up");
  assert.equal(bodyOf(read("HTTP/1.1 101 Switch\r\n\r\nbytes")), "");
});

Deno.test("a cut answer wants more even at its end", () => {
  for (const cut of ["", "HTTP/1.1 20", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nx: y\r\n"]) {
    assert.deepEqual(read(cut, { ended: true, body: false }), { kind: "more", status: undefined }, cut);
  }
  const short = read("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nup", { ended: true });
  assert.deepEqual(short, { kind: "more", status: 200 });
});

Deno.test("what cannot become an answer is refused at its first bytes", () => {
  const texts = [
    "SSH-2.0-x\r\n",
    "HTTP/2 200\r\n",
    "HTTP/1.1 2000 OK\r\n",
    "\x00",
    "up",
    "\rup",
    "http/1.1 200 OK\r\n",
    "HTTP/1.1 x",
    "HTTP/1.1 099 OK\r\n",
  ];
  for (const text of texts) {
    assert.deepEqual(read(text), { kind: "invalid", reason: "statusLine" }, text);
    assert.deepEqual(
      read(text, { cuts: everyByte(text.length) }),
      { kind: "invalid", reason: "statusLine" },
      text,
    );
  }
  const chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
  for (const body of ["x\r\n", "1\r\nupp", "1\r\nu\r\r\n", "a".repeat(2000)]) {
    assert.deepEqual(read(chunked + body), { kind: "invalid", reason: "chunks" }, body);
  }
});

Deno.test("heads are bounded: one endless line, endless lines, endless interim answers", () => {
  const endless = [
    "HTTP/1.1 200 OK\r\nx: " + "a".repeat(maxPartBytes),
    "HTTP/1.1 200 OK\r\n" + "x: y\r\n".repeat(maxPartBytes / 6),
    "HTTP/1.1 100 Continue\r\n\r\n".repeat(maxPartBytes / 25 + 1),
    "\r\n".repeat(maxPartBytes / 2),
    "HTTP/1.1 200 " + "a".repeat(maxPartBytes),
  ];
  for (const text of endless) {
    assert.deepEqual(read(text), { kind: "invalid", reason: "headTooLong" }, text.slice(0, 30));
  }
});

Deno.test("bodies are cut at 64 KiB", () => {
  const long = "a".repeat(maxPartBytes + 10);
  for (const head of ["", "content-length: 99999999\r\n", `content-length: ${"9".repeat(400)}\r\n`]) {
    assert.equal(bodyOf(read(`HTTP/1.1 200 OK\r\n${head}\r\n${long}`)).length, maxPartBytes, head);
  }
  const chunk = read(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n20000\r\n${long}`);
  assert.equal(bodyOf(chunk).length, maxPartBytes);
});

const piece = fc.constantFrom(
  "HTTP/1.1 200 OK",
  "HTTP/1.0 204",
  "HTTP/1.1 100 Continue",
  "\r\n",
  "\n",
  "\r",
  "content-length: 4",
  "Content-Length: 4",
  "transfer-encoding: chunked",
  "x: y",
  "2",
  "0",
  "up",
  ":",
  ";",
  " ",
  "\x00",
);
const assembled = fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join(""));
const wellFormed = fc.tuple(
  fc.constantFrom("", "HTTP/1.1 100 Continue\r\n\r\n"),
  fc.constantFrom("HTTP/1.1 200 OK\r\n", "HTTP/1.0 503\n"),
  fc.constantFrom(
    "Content-Length: 5\r\n\r\nhello",
    "\r\nhello",
    "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
  ),
).map((parts) => parts.join(""));

Deno.test("cut at every byte, or anywhere, an answer is read the same, and a beginning never says more than all of it", () => {
  const reading = fc.record({ ended: fc.boolean(), body: fc.boolean() });
  fc.assert(
    fc.property(fc.oneof(assembled, wellFormed), reading, fc.array(fc.nat()), (text, reading, offsets) => {
      const whole = read(text, reading);
      assert.deepEqual(read(text, { ...reading, cuts: everyByte(text.length) }), whole);
      const cuts = offsets.map((offset) => offset % (text.length + 1)).sort((a, b) => a - b);
      assert.deepEqual(read(text, { ...reading, cuts }), whole);
      for (let n = 0; n < text.length; n++) {
        const part = read(text.slice(0, n), { body: reading.body });
        if (part.kind !== "more") assert.deepEqual(whole, part);
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("100,000 damaged answers are read to an end without an error", () => {
  const seeds = fc.sample(wellFormed, { numRuns: 50, seed: 1 });
  let random = 1;
  const next = (below: number) => {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    return Math.floor((random / 2 ** 32) * below);
  };
  const kinds = new Map<string, number>();
  for (let run = 0; run < 100_000; run++) {
    const bytes = Uint8Array.from(seeds[run % seeds.length] ?? "", (c) => c.charCodeAt(0));
    for (let edits = next(4); edits >= 0; edits--) bytes[next(bytes.length)] = next(256);
    const cut = next(bytes.length);
    const state = read(bytes.subarray(0, bytes.length - next(2) * next(10)), {
      ended: true,
      cuts: run % 2 === 0 ? [Math.min(cut, bytes.length - 10)] : [],
    });
    kinds.set(state.kind, (kinds.get(state.kind) ?? 0) + 1);
  }
  assert.deepEqual([...kinds.keys()].sort(), ["invalid", "more", "parsed"]);
});

/** Counts the bytes that are decoded or copied while `run` runs, which has to be synchronous. */
function bytesTouched(run: () => void): number {
  const decoder = TextDecoder.prototype;
  const array = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array;
  const { decode } = decoder;
  const { set } = array;
  let bytes = 0;
  decoder.decode = function (input, options) {
    bytes += input?.byteLength ?? 0;
    return decode.call(this, input, options);
  };
  array.set = function (source, offset) {
    bytes += source.length;
    set.call(this, source, offset);
  };
  try {
    run();
  } finally {
    decoder.decode = decode;
    array.set = set;
  }
  return bytes;
}

Deno.test("of an answer that trickles byte by byte each byte is decoded or copied a few times, however long it is", () => {
  const chunks = "1\r\nu\r\n".repeat(5000);
  const answers = [
    `HTTP/1.1 200 OK\r\nx: ${"a".repeat(30_000)}\r\n\r\n${"b".repeat(30_000)}`,
    `HTTP/1.1 200 OK\r\n${"x: y\r\n".repeat(5000)}Transfer-Encoding: chunked\r\n\r\n${chunks}`,
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${(60_000).toString(16)}\r\n${"b".repeat(60_000)}`,
  ];
  for (const text of answers) {
    const pieces = [...text].map((character) => Uint8Array.of(character.charCodeAt(0)));
    const reader = new Http1ResponseReader({ method: "GET", body: true });
    const touched = bytesTouched(() => {
      for (const piece of pieces) reader.push(piece);
    });
    // Once to decode or append it, and as the buffer doubles about twice more.
    assert.ok(touched >= text.length / 2, `only ${touched} of ${text.length} were seen`);
    assert.ok(touched <= 4 * text.length, `${touched} of ${text.length}`);
  }
});
