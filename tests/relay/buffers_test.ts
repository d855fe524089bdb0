import assert from "node:assert/strict";
import * as fc from "fast-check";
import { BufferPool, ReadBuffer } from "../../lib/relay/portable/buffers.ts";

const kib = 1024;

/** The sizes in KiB that a buffer has after each of these reads; "full" is a read that fills it. */
function sizesAfter(reads: readonly ("full" | number)[]): number[] {
  using buffer = new ReadBuffer(new BufferPool());
  return reads.map((read) => {
    buffer.adapt(read === "full" ? buffer.bytes.length : read);
    return buffer.bytes.length / kib;
  });
}

Deno.test("a session begins with the smallest buffer", () => {
  using buffer = new ReadBuffer(new BufferPool());
  assert.equal(buffer.bytes.length, 4 * kib);
});

const courses: { name: string; reads: ("full" | number)[]; sizes: number[] }[] = [
  {
    name: "reads that fill the buffer make it grow step by step to 60 KiB",
    reads: ["full", "full", "full"],
    sizes: [16, 60, 60],
  },
  { name: "small messages keep the smallest buffer", reads: [1, 4_095, 100], sizes: [4, 4, 4] },
  {
    name: "a small read after bulk makes the buffer the smallest at once",
    reads: ["full", "full", 100],
    sizes: [16, 60, 4],
  },
  {
    name: "a read of some KiB after bulk leaves 16 KiB",
    reads: ["full", "full", 5_000],
    sizes: [16, 60, 16],
  },
  {
    name: "bulk that pauses for one read climbs back in one step",
    reads: ["full", "full", 5_000, "full"],
    sizes: [16, 60, 16, 60],
  },
  {
    name: "bulk that has ended climbs step by step when it begins again",
    reads: ["full", "full", 10, 10, "full"],
    sizes: [16, 60, 4, 4, 16],
  },
  {
    name: "a 16 KiB buffer that is not filled stays while the reads are above 4 KiB",
    reads: ["full", 4_096, 16_383],
    sizes: [16, 16, 16],
  },
];

for (const { name, reads, sizes } of courses) {
  Deno.test(name, () => assert.deepEqual(sizesAfter(reads), sizes));
}

Deno.test("after any course, one read that does not fill the buffer leaves at most 16 KiB to wait with", () => {
  const share = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 });
  fc.assert(fc.property(share, (shares) => {
    using buffer = new ReadBuffer(new BufferPool());
    for (const part of shares) {
      buffer.adapt(Math.floor(buffer.bytes.length * part));
      assert(buffer.bytes.length <= 60 * kib);
    }
    buffer.adapt(buffer.bytes.length - 1);
    assert(buffer.bytes.length <= 16 * kib);
  }));
});

Deno.test("a buffer that is given back serves the next one", () => {
  const pool = new BufferPool();
  const first = new ReadBuffer(pool);
  const { bytes } = first;
  first[Symbol.dispose]();
  using second = new ReadBuffer(pool);
  assert.equal(second.bytes, bytes);
  using third = new ReadBuffer(pool);
  assert.notEqual(third.bytes, bytes);
});

Deno.test("a buffer that is given back has no bytes to read into any more", () => {
  const buffer = new ReadBuffer(new BufferPool());
  buffer[Symbol.dispose]();
  assert.equal(buffer.bytes.length, 0);
});

Deno.test("a pool keeps a bounded number of spare buffers of a size", () => {
  const pool = new BufferPool();
  const many = Array.from({ length: 100 }, () => pool.acquire(2));
  for (const buffer of many) pool.release(2, buffer);
  const again = Array.from({ length: 100 }, () => pool.acquire(2)).filter((buffer) => many.includes(buffer));
  assert(again.length > 0 && again.length * 60 * kib <= kib * kib, `${again.length} were kept`);
  assert.equal(new Set(again).size, again.length);
});
