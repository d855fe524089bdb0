import assert from "node:assert/strict";
import { Ajv2020 } from "ajv/dist/2020.js";
import { jsonSchema } from "../../../lib/config/language/json_schema.ts";
import { readDocument } from "../../../lib/config/yaml/document.ts";

function accepts(text: string): boolean {
  const document = readDocument(text, () => undefined);
  assert.deepEqual(document.findings.kept, []);
  const value = JSON.parse(JSON.stringify(document.root?.value));
  return new Ajv2020({ strict: false }).compile(jsonSchema())(value);
}

const LISTENERS = `listeners: { web: { bind: ["0.0.0.0:8080"], pool: app } }`;

Deno.test("schema: the whole language and the smallest file are accepted", async () => {
  assert.equal(accepts(await Deno.readTextFile(new URL("../whole_language.yaml", import.meta.url))), true);
  assert.equal(
    accepts(`${LISTENERS}\npools: { app: { targets: ["a:1"], ejection: none, health: none } }`),
    true,
  );
});

Deno.test("schema: a reference to the environment may stand for any scalar, a number in quotes may not", () => {
  const accepted = (weight: unknown) => {
    const targets = [{ address: "a:1", weight }];
    return new Ajv2020({ strict: false }).compile(jsonSchema())({
      listeners: { web: { bind: "0.0.0.0:8080", pool: "app" } },
      pools: { app: { targets, resolve: { interval: "${T}" }, health: { check: "url", url: "${URL}" } } },
    });
  };
  assert.equal(accepted("${W}"), true);
  assert.equal(accepted("1${W}"), true);
  assert.equal(accepted("3"), false);
  assert.equal(accepted(3), true);
});

Deno.test("schema: the URL of a probe begins as it must, and lookups have a unit", () => {
  const pool = (text: string) => accepts(`${LISTENERS}\npools: { app: { targets: ["a:1"], ${text} } }`);
  assert.equal(pool(`health: { check: url, url: "http://{host}:8008/primary" }`), true);
  assert.equal(pool(`health: { check: url, url: "ftp://{host}/" }`), false);
  assert.equal(pool("resolve: { interval: 10s }"), true);
  assert.equal(pool("resolve: { interval: 10 }"), false);
});

Deno.test("schema: a duration of zero is for the delay of a drain alone, as it is for the check", () => {
  const zeros = ["0s", "0ms", "00h0m", "0h0m0s0ms"];
  for (const zero of [...zeros, "10s", "1h0m", "0s1ms"]) {
    const isZero = zeros.includes(zero);
    const pool = `pools: { app: { targets: ["a:1"], slowStart: ${zero} } }`;
    assert.equal(accepts(`${LISTENERS}\n${pool}`), !isZero, zero);
    const retry = `pools: { app: { targets: ["a:1"], retry: { pause: ${zero} } } }`;
    assert.equal(accepts(`${LISTENERS}\n${retry}`), !isZero, zero);
    const drain = (key: string) =>
      `${LISTENERS}\npools: { app: { targets: ["a:1"] } }\nprocess: { drain: { ${key}: ${zero} } }`;
    assert.equal(accepts(drain("delay")), true, zero);
    assert.equal(accepts(drain("deadline")), !isZero, zero);
  }
});

Deno.test("schema: wrong keys, words, numbers and units are refused", () => {
  for (
    const wrong of [
      "algoritm: random",
      "algorithm: leest",
      "hold: 5",
      "targets: []",
      "health: { rise: 0 }",
      "health: off",
    ]
  ) {
    assert.equal(accepts(`${LISTENERS}\npools: { app: { ${wrong} } }`), false, wrong);
  }
});

Deno.test("schema: the built-in defaults stand at their keys", () => {
  const text = JSON.stringify(jsonSchema());
  for (const part of [`"default":"roundRobin"`, `"default":"1h"`, `"default":20000`]) {
    assert.ok(text.includes(part));
  }
});
