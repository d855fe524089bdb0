import assert from "node:assert/strict";
import { type Options, parseOptions } from "./options.ts";
import { orderOf } from "./order.ts";

function options(...args: string[]): Options {
  const parsed = parseOptions(args);
  assert(parsed !== "help" && "options" in parsed, JSON.stringify(parsed));
  return parsed.options;
}

function problem(...args: string[]): string {
  const parsed = parseOptions(args);
  return parsed !== "help" && "problem" in parsed ? parsed.problem : "";
}

Deno.test("without words everything is measured in five rounds", () => {
  const { rounds, seconds, only, servers } = options();
  assert.deepEqual([rounds, seconds, only.length, servers.length], [5, 4, 6, 7]);
});

Deno.test("a part is measured in its usual order", () => {
  assert.deepEqual(options("--only", "idle,small").only, ["small", "idle"]);
  assert.deepEqual(options("--servers=nginx,lb-linux").servers, ["lb-linux", "nginx"]);
});

Deno.test("an unknown option, workload or server is named", () => {
  assert.match(problem("--round", "5"), /'--round'/);
  assert.match(problem("--only", "smal"), /"smal" is none of small, new/);
  assert.match(problem("--servers", "envoy"), /"envoy" is none of direct/);
  assert.match(problem("surplus"), /surplus/);
});

Deno.test("a number that is none is refused", () => {
  assert.match(problem("--rounds", "0"), /--rounds 0: a whole number/);
  assert.match(problem("--seconds", "1.5"), /--seconds 1\.5/);
});

Deno.test("help is given whatever else is wanted", () => {
  assert.equal(parseOptions(["--rounds", "x", "--help"]), "help");
});

Deno.test("in every round each has its turn, and another one begins", () => {
  const rounds = [1, 2, 3].map((round) => orderOf(["a", "b", "c"], round).join(""));
  assert.deepEqual(rounds, ["abc", "acb", "cab"]);
});
