import assert from "node:assert/strict";
import { type Change, changeBetween, describeChange } from "../../lib/control/change.ts";
import { keepBound, withBinds } from "../../lib/control/model.ts";
import { modelFrom, textOf } from "./model_world.ts";

type Text = Parameters<typeof textOf>[0];

function change(from: Text, to: Text): Change {
  return changeBetween(modelFrom(textOf(from)), modelFrom(textOf(to)));
}

const nothing = { added: [], removed: [], changed: [] };
const web = `web: { bind: "127.0.0.1:80", pool: app }`;
const app = `app: { targets: ["10.0.0.1:1", "10.0.0.2:1"] }`;

/** The addresses of a change, as keys. */
function keys({ binds: { added, removed } }: Change): [string[], string[]] {
  return [added.map(({ key }) => key), removed.map(({ key }) => key)];
}

Deno.test("between a model and itself nothing has changed, and nothing is said", () => {
  const plan = change({}, {});
  assert.deepEqual(plan, {
    binds: { added: [], removed: [] },
    listeners: nothing,
    pools: nothing,
    targets: nothing,
    settings: [],
    afterRestart: [],
  });
  assert.deepEqual(describeChange(plan), []);
});

Deno.test("listeners come, go and change by their names; the order in a file means nothing", () => {
  const plan = change(
    { listeners: `${web}, old: { bind: "127.0.0.1:81", pool: app }, b: { bind: "127.0.0.1:82", pool: app }` },
    {
      listeners:
        `b: { bind: "127.0.0.1:82", pool: app, maxConnections: 3 }, new: { bind: "127.0.0.1:83", pool: app }, ${web}`,
    },
  );
  assert.deepEqual(plan.listeners, { added: ["new"], removed: ["old"], changed: ["b"] });
  assert.deepEqual(keys(plan), [["127.0.0.1:83"], ["127.0.0.1:81"]]);
});

Deno.test("a bind that passes from one listener to another is neither added nor removed", () => {
  const plan = change({ listeners: web }, { listeners: web.replace("web", "api") });
  assert.deepEqual(keys(plan), [[], []]);
  assert.deepEqual(plan.listeners, { added: ["api"], removed: ["web"], changed: [] });
});

Deno.test("two listeners may swap their binds", () => {
  const plan = change(
    { listeners: `${web}, api: { bind: "127.0.0.1:81", pool: app }` },
    { listeners: `web: { bind: "127.0.0.1:81", pool: app }, api: { bind: "127.0.0.1:80", pool: app }` },
  );
  assert.deepEqual(keys(plan), [[], []]);
  assert.deepEqual(plan.listeners.changed, ["web", "api"]);
});

Deno.test("port 0 is a bind of its listener's own: another listener gets another port", () => {
  const zero = `web: { bind: "127.0.0.1:0", pool: app }`;
  assert.deepEqual(keys(change({ listeners: zero }, { listeners: zero })), [[], []]);
  const plan = change({ listeners: zero }, { listeners: zero.replace("web", "api") });
  assert.deepEqual(keys(plan), [["127.0.0.1:0 of api, 0"], ["127.0.0.1:0 of web, 0"]]);
});

Deno.test("what is said of binds is the address in fact bound", () => {
  const bound = withBinds(
    modelFrom(textOf({ listeners: `web: { bind: "127.0.0.1:0", pool: app }` })),
    (bind) => ({ ...bind, address: { kind: "tcp", host: "127.0.0.1", port: 4_711 } }),
  );
  const next = keepBound(modelFrom(textOf({ listeners: web })), bound);
  assert.deepEqual(describeChange(changeBetween(bound, next)), [
    "listener web has changed",
    "127.0.0.1:80 is bound",
    "127.0.0.1:4711 is closed",
  ]);
});

Deno.test("targets of a pool that stays come, go and change; those of one that comes or goes are its own", () => {
  const plan = change(
    { pools: `${app}, old: { targets: ["10.0.0.9:1"] }` },
    {
      pools:
        `app: { targets: ["10.0.0.3:1", { address: "10.0.0.2:1", weight: 2 }] }, new: { targets: ["10.0.0.8:1"] }`,
    },
  );
  assert.deepEqual(plan.pools, { added: ["new"], removed: ["old"], changed: [] });
  assert.deepEqual(plan.targets, {
    added: ["app/10.0.0.3:1"],
    removed: ["app/10.0.0.1:1"],
    changed: ["app/10.0.0.2:1"],
  });
});

Deno.test("a pool has changed when anything but its targets has", () => {
  for (
    const key of ["algorithm: first", "health: none", "retry: { attempts: 1 }", "resolve: { interval: 3s }"]
  ) {
    const plan = change({ pools: app }, { pools: app.replace("targets", `${key}, targets`) });
    assert.deepEqual(plan.pools, { added: [], removed: [], changed: ["app"] }, key);
    assert.deepEqual(plan.targets, nothing, key);
  }
});

Deno.test("what a name stands for is no change of the configuration", () => {
  const text = textOf({ pools: `app: { targets: ["pair.test:1"] }` });
  const known = { addresses: ["10.0.0.1"], problem: undefined };
  assert.deepEqual(
    changeBetween(modelFrom(text), modelFrom(text, { names: { "pair.test": known } })),
    changeBetween(modelFrom(text), modelFrom(text)),
  );
});

interface SettingCase {
  readonly from: string;
  readonly to: string;
  readonly settings?: readonly string[];
  readonly afterRestart?: readonly string[];
}

const settingCases: readonly SettingCase[] = [
  { from: "process: { workers: 2 }", to: "process: { workers: 3 }", afterRestart: ["process.workers"] },
  {
    from: "process: { engine: auto }",
    to: "process: { engine: portable }",
    afterRestart: ["process.engine"],
  },
  {
    from: "process: { maxConnections: 10 }",
    to: "process: { maxConnections: 11 }",
    afterRestart: ["process.maxConnections"],
  },
  {
    from: "process: { maxConnections: 10 }",
    to: "process: { maxConnections: 9 }",
    settings: ["process.maxConnections"],
  },
  { from: "log: { level: info }", to: "log: { level: debug }", afterRestart: ["log.level"] },
  { from: "log: { format: text }", to: "log: { format: json }", afterRestart: ["log.format"] },
  { from: "log: { access: none }", to: "log: { access: all }", settings: ["log.access"] },
  {
    from: "process: { drain: { deadline: 1s } }",
    to: "process: { drain: { deadline: 2s } }",
    settings: ["process.drain"],
  },
  {
    from: "process: { drain: { deadline: 1s } }",
    to: "process: { drain: { deadline: none } }",
    settings: ["process.drain"],
  },
  {
    from: "process: { workers: 2 }\nlog: { level: info, access: none }",
    to: "process: { workers: 2 }\nlog: { level: debug, access: all }",
    settings: ["log.access"],
    afterRestart: ["log.level"],
  },
  { from: "process: { workers: 2 }", to: "process: { workers: 2 }\nlog: { level: info }" },
];

for (const { from, to, settings = [], afterRestart = [] } of settingCases) {
  const said = [
    ...settings.map((key) => `${key} has changed`),
    ...afterRestart.map((key) => `${key} waits for a restart`),
  ];
  Deno.test(`${from} to ${to}: ${said.join() || "nothing has changed"}`.replaceAll("\n", ", "), () => {
    const plan = change({ top: from }, { top: to });
    assert.deepEqual([plan.settings, plan.afterRestart], [settings, afterRestart]);
    assert.deepEqual(describeChange(plan), said);
  });
}

Deno.test("a change is told in words, a phrase for each thing", () => {
  const plan = change(
    { listeners: `${web}, old: { bind: "127.0.0.1:81", pool: app }`, pools: app },
    {
      top: "log: { level: debug }",
      listeners: `web: { bind: ["127.0.0.1:80", "unix:/run/web.sock"], pool: app }`,
      pools: `app: { algorithm: first, targets: ["10.0.0.1:1", "10.0.0.3:1"] }`,
    },
  );
  assert.deepEqual(describeChange(plan), [
    "listener old is gone",
    "listener web has changed",
    "unix:/run/web.sock is bound",
    "127.0.0.1:81 is closed",
    "pool app has changed",
    "target app/10.0.0.3:1 is new",
    "target app/10.0.0.2:1 is gone",
    "log.level waits for a restart",
  ]);
});

Deno.test("more sessions than at the start wait for a restart, fewer and back again do not", () => {
  const model = (maxConnections: number) =>
    modelFrom(textOf({ top: `process: { maxConnections: ${maxConnections} }` }));
  const plan = (from: number, to: number) =>
    changeBetween(model(from), model(to), { countedConnections: 20_000 }).afterRestart;
  assert.deepEqual([plan(20_000, 100), plan(100, 200), plan(200, 20_000)], [[], [], []]);
  assert.deepEqual(plan(200, 20_001), ["process.maxConnections"]);
});
