import assert from "node:assert/strict";
import fc from "fast-check";
import { type Answer, PART_LIMIT_BYTES, readAnswer } from "../../lib/health/http1.ts";

function read(text: string, { ended = false, method = "GET" } = {}): Answer {
  return readAnswer(new TextEncoder().encode(text), { method, ended });
}

function bodyOf(answer: Answer): string {
  assert.equal(answer.kind, "whole");
  return new TextDecoder().decode((answer as Extract<Answer, { kind: "whole" }>).body);
}

Deno.test("a body ends at its length, its last chunk, or the end of the connection", () => {
  assert.equal(bodyOf(read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nup and more")), "up");
  assert.equal(
    bodyOf(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nu\r\n1;x=y\r\np\r\n0\r\n\r\n")),
    "up",
  );
  assert.equal(bodyOf(read("HTTP/1.0 200 OK\n\nup", { ended: true })), "up");
  assert.equal(bodyOf(read("HTTP/1.1 204 No\r\n\r\n")), "");
  assert.equal(bodyOf(read("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", { method: "HEAD" })), "");
});

Deno.test("interim answers are skipped, switching protocols is final", () => {
  const text = "HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nup";
  assert.equal(bodyOf(read(text)), "up");
  assert.equal(bodyOf(read("HTTP/1.1 101 Switch\r\n\r\nbytes")), "");
});

Deno.test("a cut answer stays partial", () => {
  assert.deepEqual(read("HTTP/1.1 20", { ended: true }), { kind: "partial", status: undefined });
  assert.deepEqual(read("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nup", { ended: true }), {
    kind: "partial",
    status: 200,
  });
});

Deno.test("what cannot become an answer is refused at once", () => {
  for (const text of ["SSH-2.0-x\r\n", "HTTP/2 200\r\n", "HTTP/1.1 2000 OK\r\n", "\x00", "up"]) {
    assert.deepEqual(read(text), { kind: "invalid", reason: "garbage" }, text);
  }
  const chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
  for (const body of ["x\r\n", "1\r\nupp", "a".repeat(2000)]) {
    assert.deepEqual(read(chunked + body), { kind: "invalid", reason: "chunks" }, body);
  }
  assert.deepEqual(read("HTTP/1.1 200 OK\r\nx: " + "a".repeat(PART_LIMIT_BYTES)), {
    kind: "invalid",
    reason: "headTooLong",
  });
});

Deno.test("bodies are cut at 64 KiB", () => {
  const long = "a".repeat(PART_LIMIT_BYTES + 10);
  assert.equal(bodyOf(read(`HTTP/1.1 200 OK\r\n\r\n${long}`)).length, PART_LIMIT_BYTES);
  assert.equal(
    bodyOf(read(`HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n${long}`)).length,
    PART_LIMIT_BYTES,
  );
  const chunk = bodyOf(read(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n20000\r\n${long}`));
  assert.ok(chunk.length <= PART_LIMIT_BYTES + 10 && chunk.length > PART_LIMIT_BYTES - 10);
});

Deno.test("any bytes are read to an end without an error, and a prefix never says more than the whole", () => {
  const piece = fc.constantFrom(
    "HTTP/1.1 200 OK",
    "\r\n",
    "\n",
    "content-length: 4",
    "transfer-encoding: chunked",
    "2",
    "0",
    "up",
    ":",
    " ",
  );
  fc.assert(fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
    const bytes = new TextEncoder().encode(pieces.join(""));
    const whole = readAnswer(bytes, { method: "GET", ended: false });
    for (let n = 0; n < bytes.length; n++) {
      const part = readAnswer(bytes.subarray(0, n), { method: "GET", ended: false });
      if (part.kind === "invalid") assert.deepEqual(whole, part);
      if (part.kind === "whole") assert.deepEqual(whole, part);
    }
  }));
});
