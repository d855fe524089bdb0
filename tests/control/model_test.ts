import assert from "node:assert/strict";
import { listenerKey, processKey, targetKey, targetOfKey } from "../../lib/control/keys.ts";
import {
  bindHostsOf,
  bindsOf,
  emptyModel,
  hostNamesOf,
  keepBound,
  poolNamesOf,
  slotKeysOf,
  withBinds,
} from "../../lib/control/model.ts";
import { addressesText, probedOf } from "../../lib/control/target_sets.ts";
import { configOf } from "./balancer_world.ts";
import { modelFrom, textOf } from "./model_world.ts";

const named = textOf({
  listeners: `web: { bind: ["127.0.0.1:80", "home.test:80", "unix:/run/a.sock"], pool: app }`,
  pools: `app: { targets: ["10.0.0.1:1", "pair.test:2", "[::1]:3"], resolve: { interval: 9s } },
    api: { targets: ["pair.test:4", "none.test:5"], resolve: { interval: 5s } }`,
});
const names = {
  "pair.test": { addresses: ["10.0.0.2", "::2"], problem: undefined },
  "none.test": { addresses: [], problem: "host not found" },
};

Deno.test("a model has for each target what it stands for: itself, its addresses, or none and the cause", () => {
  const { pools } = modelFrom(named, { names });
  const targets = pools.flatMap(({ targets }) => targets);
  assert.deepEqual(
    targets.map((
      { key, name, addresses, problem },
    ) => [key, name, addresses.map(({ host, port }) => [host, port]), problem]),
    [
      ["target app/10.0.0.1:1", "10.0.0.1:1", [["10.0.0.1", 1]], undefined],
      ["target app/pair.test:2", "pair.test:2", [["10.0.0.2", 2], ["::2", 2]], undefined],
      ["target app/[::1]:3", "[::1]:3", [["::1", 3]], undefined],
      ["target api/pair.test:4", "pair.test:4", [["10.0.0.2", 4], ["::2", 4]], undefined],
      ["target api/none.test:5", "none.test:5", [], "host not found"],
    ],
  );
});

Deno.test("a listener has a bind for each address that each of its binds stands for", () => {
  const model = modelFrom(named, { bindNames: { "home.test": ["127.0.0.1", "::1"] } });
  assert.deepEqual(bindsOf(model).map(({ key }) => key), [
    "127.0.0.1:80",
    "127.0.0.1:80",
    "[::1]:80",
    "unix:/run/a.sock",
  ]);
  assert.deepEqual(bindsOf(model).at(-1)?.shared, false, "a unix socket has one owner");
  if (Deno.build.os === "linux") assert.ok(bindsOf(model)[0]?.shared);
});

Deno.test("names are those of targets, each with the shortest interval, and those of binds apart", () => {
  const config = configOf(named);
  assert.deepEqual([...hostNamesOf(config)], [["pair.test", 5_000], ["none.test", 5_000]]);
  assert.deepEqual(bindHostsOf(config), ["home.test"]);
});

Deno.test("a model needs a slot for the process, each listener and each target, and a pool slot for each pool", () => {
  const model = modelFrom(named, { names });
  assert.deepEqual(slotKeysOf(model), [
    processKey,
    listenerKey("web"),
    ...["10.0.0.1:1", "pair.test:2", "[::1]:3"].map((name) => targetKey("app", name)),
    ...["pair.test:4", "none.test:5"].map((name) => targetKey("api", name)),
  ]);
  assert.deepEqual(new Set(slotKeysOf(model)).size, 7, "no two are the same");
  assert.deepEqual(poolNamesOf(model), ["app", "api"]);
  assert.deepEqual(targetOfKey(targetKey("app", "[::1]:3")), { pool: "app", target: "[::1]:3" });
});

Deno.test("what is bound keeps its address, and what a model leaves out is gone from it", () => {
  const zero = textOf({ listeners: `web: { bind: ["127.0.0.1:0", "127.0.0.1:81"], pool: app }` });
  const bound = withBinds(
    modelFrom(zero),
    (bind) =>
      bind.key === "127.0.0.1:81"
        ? undefined
        : { ...bind, address: { kind: "tcp", host: "127.0.0.1", port: 4_711 } },
  );
  assert.deepEqual(bindsOf(bound).map(({ address }) => address), [
    { kind: "tcp", host: "127.0.0.1", port: 4_711 },
  ]);
  const next = keepBound(modelFrom(zero), bound);
  assert.deepEqual(bindsOf(next).map(({ address }) => "port" in address && address.port), [4_711, 81]);
});

Deno.test("an empty model serves nothing and keeps what else the configuration says", () => {
  const config = configOf(named);
  const model = emptyModel(config);
  assert.deepEqual([model.generation, model.listeners, model.pools], [0, [], []]);
  assert.deepEqual([hostNamesOf(model.config).size, bindHostsOf(model.config)], [0, []]);
  assert.equal(model.config.process, config.process);
});

Deno.test("probes dial what a name stands for, under the name, and say why it stands for nothing", () => {
  const watched = probedOf(modelFrom(named, { names }));
  assert.deepEqual(
    watched.map(({ key, target }) => [key, target.host, target.port, target.addresses, target.unresolved]),
    [
      ["target app/10.0.0.1:1", "10.0.0.1", 1, ["10.0.0.1"], "no address"],
      ["target app/pair.test:2", "pair.test", 2, ["10.0.0.2", "::2"], "no address"],
      ["target app/[::1]:3", "::1", 3, ["::1"], "no address"],
      ["target api/pair.test:4", "pair.test", 4, ["10.0.0.2", "::2"], "no address"],
      ["target api/none.test:5", "none.test", 5, [], "host not found"],
    ],
  );
});

Deno.test("two models of one configuration compare equal exactly when all names stand for the same", () => {
  const text = addressesText(modelFrom(named, { names }));
  assert.equal(addressesText(modelFrom(named, { names, generation: 9 })), text);
  const other = { ...names, "none.test": { addresses: ["10.0.0.9"], problem: undefined } };
  assert.notEqual(addressesText(modelFrom(named, { names: other })), text);
  const problem = { ...names, "none.test": { addresses: [], problem: "no name server answers" } };
  assert.equal(addressesText(modelFrom(named, { names: problem })), text);
});
