import assert from "node:assert/strict";
import * as fc from "fast-check";
import { type Log, type LogOptions, openLog } from "../../lib/observe/log.ts";
import { type Level, lostLine } from "../../lib/observe/log_line.ts";
import { CapturedLines } from "./captured_lines.ts";

const levels = ["debug", "info", "warn", "error"] as const satisfies readonly Level[];

/** What breaks lines, quotes, terminals and parsers. */
const nasty = [
  "two\nlines\r\n",
  'quotes " and \\ backslashes \\" \\n',
  "\x1b[31mred\x1b[0m \x1b]0;title\x07",
  "\x9b2J\x85\x7f\x00\b",
  "\u2028\u2029",
  "\u202eevil\u2066\u200f",
  "{message} {{}} {fields} {",
  "\ud800 lone surrogate",
  "👍 ü €",
  "",
] as const;

/** Everything that steers a terminal or ends a line, however it is looked at. */
// deno-lint-ignore no-control-regex -- these are what must not come out
const unprintable = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

async function logged(options: Partial<LogOptions>, use: (log: Log) => void): Promise<string[]> {
  const output = new CapturedLines();
  const log = await openLog({ level: "debug", format: "json", lines: output, ...options });
  use(log);
  return output.lines;
}

Deno.test("a json line has time, level, message and the fields", async () => {
  const before = Date.now();
  const [line = "", ...more] = await logged(
    {},
    (log) => log.warn("something", { pool: "app", count: 3, none: null }),
  );
  assert.deepEqual(more, []);
  const { time, ...rest } = JSON.parse(line);
  assert.deepEqual(rest, { level: "warn", message: "something", pool: "app", count: 3, none: null });
  assert(before <= Date.parse(time) && Date.parse(time) <= Date.now());
});

Deno.test("a json line is one line of valid JSON whatever is in message and fields", async () => {
  const lines = await logged({}, (log) => {
    for (const text of nasty) log.info(text, { text, [`field ${text}`]: [text, { text }] });
  });
  assert.equal(lines.length, nasty.length);
  for (const [index, text] of nasty.entries()) {
    const { message, text: field } = JSON.parse(lines[index] ?? "");
    assert.deepEqual([message, field], [text, text]);
  }
});

Deno.test("a json line holds any message and any data, and gives them back", async () => {
  const output = new CapturedLines();
  const log = await openLog({ level: "debug", format: "json", lines: output });
  const text = fc.string({ unit: "binary" });
  fc.assert(fc.property(text, fc.jsonValue(), text, (message, data, name) => {
    const before = output.lines.length;
    log.info(message, { [`x${name}`]: data });
    const lines = output.lines.slice(before);
    assert.equal(lines.length, 1);
    const read = JSON.parse(lines[0] ?? "");
    assert.equal(read.message, message);
    assert.deepEqual(read[`x${name}`], JSON.parse(JSON.stringify(data)));
  }));
});

Deno.test("a text line is one printable line, whatever the message is", async () => {
  const lines = await logged({ format: "text" }, (log) => {
    for (const text of nasty) log.error(`before ${text} after`);
  });
  assert.equal(lines.length, nasty.length);
  for (const line of lines) {
    assert.doesNotMatch(line, unprintable);
    assert.match(line, /^\d\d:\d\d:\d\d\.\d{3} error before .* after$/);
  }
});

Deno.test("a text line says what was escaped, and leaves other letters alone", async () => {
  const [line] = await logged(
    { format: "text" },
    (log) => log.info("a\nb\x1b[31m\x7f\u2028\u202e ü € 👍 {message}"),
  );
  assert.equal(line?.slice(13), "info  a\\u000ab\\u001b[31m\\u007f\\u2028\\u202e ü € 👍 {message}");
});

for (const [at, level] of levels.entries()) {
  Deno.test(`at level ${level} the lines of ${levels.slice(at).join(", ")} are written`, async () => {
    const lines = await logged({ level }, (log) => {
      for (const each of levels) log[each](`a line of ${each}`);
    });
    assert.deepEqual(lines.map((line) => JSON.parse(line).level), levels.slice(at));
  });
}

Deno.test("a bulk line has the fields in json and the text in text", async () => {
  const bulk = (log: Log) => log.bulk({ id: "0.1", reason: "a\nb" }, () => "session\n0.1");
  const [json = ""] = await logged({ format: "json" }, bulk);
  const { time, ...rest } = JSON.parse(json);
  assert(Date.parse(time) > 0);
  assert.deepEqual(rest, { level: "info", id: "0.1", reason: "a\nb" });
  const [text = "", ...more] = await logged({ format: "text" }, bulk);
  assert.match(text, /^\d\d:\d\d:\d\d\.\d{3} info {2}session\\u000a0\.1$/);
  assert.deepEqual(more, []);
});

Deno.test("a bulk line is not written above level info, and its text is made for the text format alone", async () => {
  let made = 0;
  const bulk = (log: Log) => log.bulk({}, () => `${++made}`);
  for (const level of ["warn", "error"] as const) {
    assert.deepEqual(await logged({ level, format: "text" }, bulk), []);
  }
  assert.equal((await logged({ format: "json" }, bulk)).length, 1);
  assert.equal(made, 0);
  assert.equal((await logged({ level: "info", format: "text" }, bulk)).length, 1);
  assert.equal(made, 1);
});

Deno.test("a log that is opened again replaces the one before", async () => {
  const [first, second] = [new CapturedLines(), new CapturedLines()];
  await openLog({ level: "info", format: "json", lines: first });
  const log = await openLog({ level: "info", format: "json", lines: second });
  log.info("hello");
  assert.deepEqual([first.lines.length, second.lines.length], [0, 1]);
});

for (const format of ["json", "text"] as const) {
  Deno.test(`lost lines are reported as a warning in the ${format} log`, () => {
    assert.match(lostLine(format, { count: 3, time: 0 }), /warn.*3 log lines were lost/);
  });
}
