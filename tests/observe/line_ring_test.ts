import assert from "node:assert/strict";
import * as fc from "fast-check";
import { LineRing } from "../../lib/observe/line_ring.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Takes everything out, in pieces of at most so many bytes. */
function drained(ring: LineRing, pieceBytes = Infinity): string {
  const pieces: Uint8Array[] = [];
  while (ring.waiting > 0) {
    const piece = ring.peek(pieceBytes);
    ring.take(piece.length);
    pieces.push(piece);
  }
  return new TextDecoder().decode(new Uint8Array(pieces.flatMap((piece) => [...piece])));
}

Deno.test("lines come out as they went in, in order, whatever their lengths and however they are taken", () => {
  const step = fc.record({
    line: fc.string({ maxLength: 30 }),
    takes: fc.boolean(),
    pieceBytes: fc.integer({ min: 1, max: 70 }),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const ring = new LineRing(LineRing.allocate(64));
    let [wanted, found] = ["", ""];
    for (const { line, takes, pieceBytes } of steps) {
      const text = `${line.replaceAll("\n", " ")}\n`;
      if (ring.append(bytesOf(text))) wanted += text;
      if (takes) found += drained(ring, pieceBytes);
    }
    assert.equal(found + drained(ring), wanted);
  }));
});

Deno.test("a queue takes exactly as much as it has room for", () => {
  const ring = new LineRing(LineRing.allocate(16));
  assert.equal(ring.append(bytesOf("1234567\n")), true);
  assert.equal(ring.append(bytesOf("12345678\n")), false);
  assert.equal(ring.append(bytesOf("1234567\n")), true);
  assert.equal(ring.waiting, 16);
  assert.equal(ring.append(bytesOf("\n")), false);
  assert.equal(drained(ring), "1234567\n1234567\n");
  assert.equal(ring.append(bytesOf("\n\n\n")), true);
});

Deno.test("counters that pass 2^31 and 2^32 bytes change nothing", () => {
  const memory = LineRing.allocate(16);
  const [appended, taken] = [0, 1];
  for (const start of [2 ** 31 - 8, 2 ** 32 - 8]) {
    const header = new Int32Array(memory, 0, 2);
    header[appended] = header[taken] = start | 0;
    const ring = new LineRing(memory);
    for (let round = 0; round < 4; round++) {
      assert.equal(ring.append(bytesOf(`line ${round}\n`)), true);
      assert.equal(ring.waiting, 7);
      assert.equal(drained(ring), `line ${round}\n`);
    }
  }
});

Deno.test("what is discarded counts line by line, also the rest of a line that was taken in part", () => {
  const ring = new LineRing(LineRing.allocate(32));
  ring.append(bytesOf("first\nsecond\nthird\n"));
  ring.take(2);
  ring.discard();
  assert.deepEqual([ring.waiting, ring.lost], [0, 3]);
  // Across the end of the memory.
  ring.append(bytesOf("fourth of the lines\nfifth\n"));
  ring.discard();
  assert.equal(ring.lost, 5);
});

Deno.test("a queue that is closed is waited for until it is empty, and is flushed then", () => {
  const ring = new LineRing(LineRing.allocate(16));
  ring.append(bytesOf("last\n"));
  ring.close();
  assert.equal(ring.isFlushed, false);
  assert.equal(ring.waitForLines(), true);
  assert.equal(drained(ring), "last\n");
  assert.equal(ring.waitForLines(), false);
  assert.equal(ring.isFlushed, true);
});
