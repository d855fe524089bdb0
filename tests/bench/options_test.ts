import assert from "node:assert/strict";
import { type Options, parseOptions, usage } from "./options.ts";
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
  const { rounds, seconds, only, legs, servers } = options();
  assert.deepEqual([rounds, seconds, only.length, legs.length, servers.length], [5, 4, 6, 2, 7]);
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

Deno.test("a leg is chosen by its name, and help says which there are", () => {
  assert.deepEqual(options("--leg", "network").legs, ["network"]);
  assert.deepEqual(options("--leg", "loopback").legs, ["loopback"]);
  assert.deepEqual(options("--leg", "both").legs, ["loopback", "network"]);
  assert.match(problem("--leg", "wan"), /--leg: "wan" is none of loopback, network, both/);
  assert.match(usage, /--leg LEG +loopback, network .* or both/);
});

Deno.test("another lb stands behind this one on each engine that was chosen", () => {
  const { servers, lb } = options(
    "--servers",
    "lb-linux,nginx",
    "--lb",
    "before=/b/main.ts",
    "--lb",
    "old=../c",
  );
  assert.deepEqual(servers, ["lb-linux", "lb-linux-before", "lb-linux-old", "nginx"]);
  assert.deepEqual(lb, { before: "/b/main.ts", old: "../c" });
});

Deno.test("an lb without a name is measured instead of this tree", () => {
  const { servers, lb } = options("--servers", "lb-linux", "--lb", "dist/lb");
  assert.deepEqual(servers, ["lb-linux"]);
  assert.deepEqual(lb, { "": "dist/lb" });
});

Deno.test("an lb without a path, or two of one name, are refused", () => {
  assert.match(problem("--lb", "before="), /--lb before=: a path is wanted/);
  assert.match(problem("--lb", "a=1", "--lb", "a=2"), /--lb a=2: a second one for a/);
  assert.match(problem("--lb", "1", "--lb", "2"), /--lb 2: a second one for this tree/);
});

Deno.test("a number that is none is refused", () => {
  assert.match(problem("--rounds", "0"), /--rounds 0: a whole number/);
  assert.match(problem("--seconds", "1.5"), /--seconds 1\.5/);
});

Deno.test("help is given whatever else is wanted", () => {
  assert.equal(parseOptions(["--rounds", "x", "--help"]), "help");
});

Deno.test("in every round each is measured, and another one begins", () => {
  const rounds = [1, 2, 3].map((round) => orderOf(["a", "b", "c"], round).join(""));
  assert.deepEqual(rounds, ["abc", "acb", "cab"]);
});
