import assert from "node:assert/strict";
import { LineWriter } from "../../lib/observe/line_writer.ts";
import { eventually } from "../support/eventually.ts";
import { CapturedOutput } from "./captured_output.ts";

const enoughMs = 10_000;

function writerTo(output: CapturedOutput): LineWriter {
  return new LineWriter(output, (count) => `lost ${count}`);
}

Deno.test("lines go out in order, each ended by a line feed", async () => {
  const output = new CapturedOutput();
  const writer = writerTo(output);
  for (const line of ["a", "", "ü"]) writer.write(line);
  await writer.flush(enoughMs);
  assert.equal(output.text, "a\n\nü\n");
});

Deno.test("lines of one moment go out in one write", async () => {
  const output = new CapturedOutput();
  const writer = writerTo(output);
  for (let i = 0; i < 1_000; i++) writer.write(`${i}`);
  await writer.flush(enoughMs);
  assert.equal(output.writes, 1);
  assert.equal(output.lines.length, 1_000);
});

Deno.test("an output that takes a few bytes at a time gets every line whole", async () => {
  const output = new CapturedOutput();
  output.usual = { take: 3 };
  const writer = writerTo(output);
  const lines = ["first line", "zweite Zeile: äöü €", "third"];
  for (const line of lines) writer.write(line);
  await writer.flush(enoughMs);
  assert.deepEqual(output.lines, lines);
});

Deno.test("there is one write at a time, and what comes meanwhile goes into the next", async () => {
  const output = new CapturedOutput();
  output.next.push("block");
  const writer = writerTo(output);
  writer.write("a");
  await eventually("the first write", () => output.writes === 1);
  for (const line of ["b", "c", "d"]) writer.write(line);
  output.release();
  await writer.flush(enoughMs);
  assert.deepEqual(output.lines, ["a", "b", "c", "d"]);
  assert.deepEqual([output.writes, output.mostInFlight], [2, 1]);
});

Deno.test("flush resolves at its timeout when the output is blocked", async () => {
  const output = new CapturedOutput();
  output.usual = "block";
  const writer = writerTo(output);
  writer.write("a");
  await writer.flush(10);
  assert.equal(output.text, "");
  output.release();
  await writer.flush(enoughMs);
  assert.equal(output.text, "a\n");
});

Deno.test("flush of a writer that has nothing to write resolves", async () => {
  await writerTo(new CapturedOutput()).flush(enoughMs);
});

Deno.test("behind a blocked output lines take bounded memory, and the loss is counted and told", async () => {
  const output = new CapturedOutput();
  output.next.push("block");
  const writer = writerTo(output);
  const line = "x".repeat(1_023);
  const written = 20_000;
  for (let i = 0; i < written; i++) writer.write(line);
  assert(writer.lost > 0);
  const kept = written - writer.lost;
  assert(kept * line.length <= 4 * 1024 * 1024, `${kept} lines were kept`);
  assert(kept * line.length > 3 * 1024 * 1024, `only ${kept} lines were kept`);
  const lost = writer.lost;
  await eventually("the first write", () => output.writes === 1);
  output.release();
  await writer.flush(enoughMs);
  writer.write("after");
  await writer.flush(enoughMs);
  assert.deepEqual(output.lines.filter((text) => text !== line), [`lost ${lost}`, "after"]);
  assert.equal(output.lines.filter((text) => text === line).length, kept);
  assert.equal(writer.lost, 0);
});

Deno.test("lines that a failing output did not take are counted, and told once it works again", async () => {
  const output = new CapturedOutput();
  output.next.push("fail", "fail");
  const writer = writerTo(output);
  for (const line of ["a", "b"]) writer.write(line);
  await writer.flush(enoughMs);
  assert.equal(writer.lost, 2);
  writer.write("c");
  await writer.flush(enoughMs);
  assert.equal(writer.lost, 3);
  writer.write("d");
  await writer.flush(enoughMs);
  assert.deepEqual(output.lines, ["lost 3", "d"]);
  assert.equal(writer.lost, 0);
  writer.write("e");
  await writer.flush(enoughMs);
  assert.deepEqual(output.lines.slice(2), ["e"]);
});

Deno.test("memory that a failed or a finished write has held serves later lines", async () => {
  const output = new CapturedOutput();
  output.next.push("fail");
  const writer = writerTo(output);
  for (let round = 0; round < 4; round++) {
    writer.write("x".repeat(3 * 1024 * 1024));
    await writer.flush(enoughMs);
  }
  assert.equal(output.lines.filter((line) => line.startsWith("x")).length, 3);
});

Deno.test("a line that a failing output cut off does not run into the next one", async () => {
  const output = new CapturedOutput();
  output.next.push({ take: 4 }, "fail");
  const writer = writerTo(output);
  writer.write("half of it");
  await writer.flush(enoughMs);
  writer.write("whole");
  await writer.flush(enoughMs);
  assert.deepEqual(output.lines.slice(-2), ["lost 1", "whole"]);
});
