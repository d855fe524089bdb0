import assert from "node:assert/strict";
import { type Options, parseOptions, usage } from "./options.ts";
import { rows } from "./rows.ts";

function options(...args: string[]): Options {
  const parsed = parseOptions(args);
  assert(parsed !== "help" && "options" in parsed, JSON.stringify(parsed));
  return parsed.options;
}

function problem(...args: string[]): string {
  const parsed = parseOptions(args);
  return parsed !== "help" && "problem" in parsed ? parsed.problem : "";
}

const numbers = (...args: string[]) => options(...args).rows.map(({ number }) => number);

Deno.test("without words every row is run on both engines, row 54 for twenty minutes", () => {
  const { engines, minutes, jsonFile } = options();
  assert.deepEqual(numbers(), rows.map(({ number }) => number));
  assert.deepEqual([engines.length, minutes, jsonFile], [2, 20, undefined]);
});

Deno.test("rows are chosen by number and by range, and run in the order of the table", () => {
  assert.deepEqual(numbers("--rows", "14,13"), [13, 14]);
  assert.deepEqual(numbers("--rows", "45,6-11,13"), [6, 7, 8, 10, 11, 13, 45]);
});

Deno.test("an engine is chosen by its name", () => {
  assert.deepEqual(options("--engine", "linux").engines, ["linux"]);
  assert.deepEqual(options("--engine", "both").engines.toSorted(), ["linux", "portable"]);
});

Deno.test("the length of the soak and the file of results are taken as given", () => {
  const { minutes, jsonFile } = options("--minutes", "0.5", "--json", "soak.json");
  assert.deepEqual([minutes, jsonFile], [0.5, "soak.json"]);
});

Deno.test("what is wrong is named", () => {
  assert.match(problem("--rows", "9"), /--rows: "9" is no row/);
  assert.match(problem("--rows", "13,x"), /--rows: "x" is no row/);
  assert.match(problem("--rows", ""), /--rows: "" is no row/);
  assert.match(problem("--engine", "kernel"), /--engine: "kernel" is none of portable, linux, both/);
  assert.match(problem("--minutes", "0"), /--minutes 0/);
  assert.match(problem("--minutes", "long"), /--minutes long/);
  assert.match(problem("--row", "13"), /'--row'/);
  assert.match(problem("surplus"), /surplus/);
});

Deno.test("help lists the rows", () => {
  assert.equal(parseOptions(["--help"]), "help");
  assert.match(usage, /--rows LIST .*13,14,15/);
});

Deno.test("no row stands in the table twice", () => {
  assert.equal(new Set(rows.map(({ number }) => number)).size, rows.length);
});
