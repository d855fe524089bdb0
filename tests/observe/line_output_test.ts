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
    writeSync: captured.writeSync,
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

Deno.test("a write is never larger than 64 KiB, so that progress shows", () => {
  const { captured, write } = world();
  const lines = Array.from({ length: 200 }, (_, index) => `${index}`.padEnd(1023, "x"));
  write(...lines);
  assert.deepEqual(captured.lines, lines);
  assert.equal(captured.writes, Math.ceil(200 * 1024 / (64 * 1024)));
});

Deno.test("a non-blocking output that is full is waited for, and no line is lost or written twice", () => {
  const { captured, pauses, ring, write } = world();
  captured.next.push("full", "full", { take: 4 }, "full", { take: 2 });
  write("half a line", "another");
  assert.deepEqual(captured.lines, ["half a line", "another"]);
  assert.equal(pauses(), 3);
  assert.equal(ring.lost, 0);
});

Deno.test("while a non-blocking output is full lines take bounded memory, and the loss is counted and reported", () => {
  const line = new Uint8Array(1024).fill(120);
  line[1023] = 10;
  const appended = 5_000;
  const { captured, ring, write } = world({
    onPause: (ring) => {
      for (let i = 0; i < appended; i++) ring.append(line);
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
  captured.next.push("fail", "fail");
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

Deno.test("a line that a failing output cut off does not run into the next one", () => {
  const { captured, write } = world();
  captured.next.push({ take: 4 }, "fail", "fail");
  write("half of it");
  write("not at all");
  write("whole");
  assert.deepEqual(captured.lines, ["half", "lost 2", "whole"]);
});

Deno.test("an output that fails while losses are reported has them reported once it works again", () => {
  const { captured, write } = world();
  captured.next.push("fail", { take: 2 }, "fail");
  write("a");
  write("b");
  write("c");
  assert.deepEqual(captured.lines, ["lo", "lost 2", "c"]);
});

Deno.test("losses are never reported in the middle of a line", () => {
  const { captured, ring, write } = world({ onPause: (ring) => ring.addLost(1) });
  captured.next.push({ take: 3 }, "full");
  write("a long line", "next");
  assert.deepEqual(captured.lines, ["a long line", "next", "lost 1"]);
  assert.equal(ring.lost, 0);
});
