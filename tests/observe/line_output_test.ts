import assert from "node:assert/strict";
import { LineOutput } from "../../lib/observe/line_output.ts";
import { LineRing } from "../../lib/observe/line_ring.ts";
import { CapturedOutput } from "./captured_output.ts";

interface World {
  readonly captured: CapturedOutput;
  readonly ring: LineRing;
  /** How often the thread would have rested. */
  pauses(): number;
  /** Appends lines and writes what waits. */
  write(...lines: string[]): void;
}

function world({ onPause = () => {} }: { onPause?: (ring: LineRing) => void } = {}): World {
  const captured = new CapturedOutput();
  const ring = new LineRing(LineRing.allocate());
  const encoder = new TextEncoder();
  let pauses = 0;
  const output = new LineOutput({
    output: captured,
    pause: () => {
      pauses++;
      onPause(ring);
    },
    lostLine: (count) => `lost ${count}`,
  });
  return {
    captured,
    ring,
    pauses: () => pauses,
    write(...lines) {
      for (const line of lines) ring.append(encoder.encode(`${line}\n`));
      output.writeAll(ring);
    },
  };
}

Deno.test("lines go out in order, each ended by a line feed, those of one moment in one write", () => {
  const { captured, write } = world();
  write("a", "", "ü");
  assert.equal(captured.text, "a\n\nü\n");
  assert.equal(captured.writes, 1);
});

Deno.test("an output that takes a few bytes at a time gets every line whole", () => {
  const { captured, write } = world();
  captured.usual = { take: 3 };
  const lines = ["first line", "zweite Zeile: äöü €", "third"];
  write(...lines);
  assert.deepEqual(captured.lines, lines);
});

Deno.test("lines of every length go out whole, those that are longer than the runtime's buffer too", () => {
  const { captured, write } = world();
  const lines = [0, 1, 500, 1022, 1023, 1024, 1025, 2047, 5_000, 200_000, 3].map((size) => "x".repeat(size));
  write(...lines);
  assert.deepEqual(captured.lines, lines);
});

Deno.test("a non-blocking output that is full is waited for, and no line is lost or written twice", () => {
  const { captured, pauses, ring, write } = world();
  captured.next.push("full", "full", "take", "full");
  const long = "y".repeat(3_000);
  write("a line", "x".repeat(1_020), long, "another");
  assert.deepEqual(captured.lines, ["a line", "x".repeat(1_020), long, "another"]);
  assert.equal(pauses(), 3);
  assert.equal(ring.lost, 0);
});

Deno.test("a line of which the runtime keeps a part goes out once, and without a line behind it", () => {
  const { captured, pauses, ring, write } = world();
  // The system takes four bytes, then is full: for the runtime, when it is asked what it keeps, and once more.
  captured.next.push({ take: 4 }, "full", "full", "full");
  write("half a line");
  assert.deepEqual(captured.lines, ["half a line"]);
  assert.equal(pauses(), 1);
  assert.equal(ring.lost, 0);
});

Deno.test("while a non-blocking output is full lines take bounded memory, and the loss is counted and reported", () => {
  const line = new Uint8Array(1024).fill(120);
  line[1023] = 10;
  const appended = 5_000;
  const { captured, ring, write } = world({
    onPause: (ring) => {
      for (let i = 0; i < appended; i++) ring.append(line) || ring.addLost(1);
      captured.usual = "take";
    },
  });
  captured.usual = "full";
  write("first");
  const reports = captured.lines.filter((line) => line.startsWith("lost"));
  const kept = captured.lines.filter((line) => line.startsWith("xxx")).length;
  assert.ok(kept <= 4 * 1024, `${kept} KiB were kept`);
  assert.ok(kept > 4 * 1000, `only ${kept} KiB were kept`);
  assert.deepEqual(reports, [`lost ${appended - kept}`]);
  assert.equal(ring.lost, 0);
});

Deno.test("lines that a failing output did not take are counted, and reported once it works again", () => {
  const { captured, ring, write } = world();
  captured.next.push("closed", "closed");
  write("a", "b");
  assert.equal(ring.lost, 2);
  write("c");
  assert.equal(ring.lost, 3);
  write("d");
  assert.deepEqual(captured.lines, ["lost 3", "d"]);
  assert.equal(ring.lost, 0);
  write("e");
  assert.deepEqual(captured.lines.slice(2), ["e"]);
});

Deno.test("a line that a full disk cut off is completed once there is space, and is not among the lost ones", () => {
  const { captured, ring, write } = world();
  captured.next.push({ take: 4 }, "noSpace", "noSpace", "noSpace", "noSpace");
  write("half of it");
  write("not at all");
  assert.equal(ring.lost, 1);
  write("whole");
  assert.deepEqual(captured.lines, ["half of it", "lost 1", "whole"]);
});

Deno.test("a long line that a full disk cut off does not run into the next one", () => {
  const { captured, write } = world();
  captured.next.push("take", "noSpace");
  write("x".repeat(3_000));
  write("whole");
  assert.deepEqual(captured.lines, ["x".repeat(1024), "lost 1", "whole"]);
});

Deno.test("an output that fails while losses are reported has them reported once it works again", () => {
  const { captured, write } = world();
  captured.next.push("closed", "closed");
  write("a");
  write("b");
  write("c");
  assert.deepEqual(captured.lines, ["lost 2", "c"]);
});

Deno.test("losses are never reported in the middle of a line", () => {
  const { captured, ring, write } = world({ onPause: (ring) => ring.addLost(1) });
  captured.next.push("take", "full");
  const long = "x".repeat(70_000);
  write(long, "next");
  assert.deepEqual(captured.lines, [long, "next", "lost 1"]);
  assert.equal(ring.lost, 0);
});

Deno.test("no piece ends within a short line, also where more waits than is taken at a time, or the queue's end is reached", () => {
  const ends: (number | undefined)[] = [];
  const output = {
    writeSync: (bytes: Uint8Array) => {
      ends.push(bytes.at(-1));
      return bytes.length;
    },
  };
  const ring = new LineRing(LineRing.allocate(128 * 1024));
  const lines = new LineOutput({ output, pause: () => {}, lostLine: String });
  const batch = new TextEncoder().encode(`${"x".repeat(298)}\n`.repeat(300));
  for (let round = 0; round < 3; round++) {
    assert.ok(ring.append(batch));
    lines.writeAll(ring);
  }
  assert.ok(ends.length >= 300);
  assert.deepEqual(new Set(ends), new Set([10]));
});
