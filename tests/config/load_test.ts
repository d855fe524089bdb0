import assert from "node:assert/strict";
import type { Config } from "../../lib/config/config.ts";
import { formatDiagnostic } from "../../lib/config/diagnostic.ts";
import { loadConfig } from "../../lib/config/load.ts";

const LISTENERS = `listeners: { web: { bind: "0.0.0.0:8080", pool: app } }`;
const SMALLEST = `${LISTENERS}\npools: { app: { targets: ["127.0.0.1:9001", "127.0.0.1:9002"] } }\n`;

function load(text: string, env: Readonly<Record<string, string>> = {}): ReturnType<typeof loadConfig> {
  return loadConfig(text, { file: "lb.yaml", env: (name) => env[name] });
}

function configOf(text: string, env: Readonly<Record<string, string>> = {}): Config {
  const loaded = load(text, env);
  if ("config" in loaded) return loaded.config;
  throw new Error(loaded.diagnostics.map(formatDiagnostic).join("\n"));
}

function linesOf(text: string, env: Readonly<Record<string, string>> = {}): readonly string[] {
  const loaded = load(text, env);
  return ("config" in loaded ? loaded.notes : loaded.diagnostics).map(formatDiagnostic);
}

const TIMEOUTS = {
  connectMs: 5000,
  idleMs: 3_600_000,
  halfClosedMs: 30_000,
  stallMs: 30_000,
  keepAliveMs: 60_000,
  lifetimeMs: Infinity,
  queueMs: 5000,
};

const TIMING = {
  intervalMs: 2000,
  timeoutMs: 1000,
  rise: 2,
  fall: 3,
  fastIntervalMs: 500,
  downIntervalMs: 5000,
  jitter: 0.1,
  initial: "checking",
} as const;

const WHOLE: Config = {
  process: {
    engine: "auto",
    workers: "auto",
    maxConnections: 20000,
    drain: { delayMs: 0, deadlineMs: 30_000, closeSpreadMs: 5000 },
  },
  admin: { listen: { kind: "tcp", host: "127.0.0.1", port: 9900 }, tokenFile: undefined },
  log: { level: "info", format: "auto", access: "abnormal" },
  listeners: [{
    name: "web",
    bind: [{ kind: "tcp", host: "0.0.0.0", port: 8080 }, { kind: "tcp", host: "::", port: 8080 }],
    pool: "app",
    maxConnections: Infinity,
    timeouts: TIMEOUTS,
  }],
  pools: [{
    name: "app",
    algorithm: "roundRobin",
    targets: [{
      address: { kind: "tcp", host: "10.0.0.11", port: 8080 },
      weight: 1,
      maxConnections: Infinity,
      tier: 0,
    }],
    health: { check: "tcp", port: undefined, timing: TIMING },
    ejection: {
      consecutiveFailures: 5,
      baseTimeMs: 30_000,
      maxTimeMs: 300_000,
      maxShare: 0.5,
      mode: "enforce",
    },
    slowStartMs: undefined,
    resolveIntervalMs: 30_000,
    retry: { attempts: 3, pauseMs: 1_000 },
    queue: { size: 1000 },
    holdMs: undefined,
    onTargetDown: "keep",
    failOpen: "never",
  }],
};

Deno.test("config: the whole language parses to its own defaults", async () => {
  const text = await Deno.readTextFile(new URL("whole_language.yaml", import.meta.url));
  assert.deepEqual(configOf(text), WHOLE);
});

Deno.test("config: the smallest file gets every built-in default", () => {
  const config = configOf(SMALLEST);
  const { listeners, pools, ...rest } = WHOLE;
  const [listener, pool] = [listeners[0], pools[0]];
  assert.deepEqual(config, {
    ...rest,
    listeners: [{ ...listener, bind: [{ kind: "tcp", host: "0.0.0.0", port: 8080 }] }],
    pools: [{
      ...pool,
      targets: [9001, 9002].map((port) => {
        return {
          address: { kind: "tcp", host: "127.0.0.1", port },
          weight: 1,
          maxConnections: Infinity,
          tier: 0,
        };
      }),
    }],
  });
  assert.deepEqual(linesOf(SMALLEST), []);
});

Deno.test("config: each key without effect yet gets a note, wherever it stands", () => {
  const text = `process: { engine: linux }
admin: { listen: "127.0.0.1:0" }
defaults: { hold: 1s, timeouts: { queue: 1s, stall: 1s } }
listeners: { web: { bind: "0.0.0.0:8080", pool: app, timeouts: { queue: 2s } } }
pools:
  app: { targets: ["127.0.0.1:9001"], retry: { pause: 2s } }
  spare: { targets: ["127.0.0.1:9002"] }
`;
  assert.deepEqual(linesOf(text), [
    "lb.yaml:2:1 admin: has no effect yet",
    `lb.yaml:7:3 pools.spare: no listener uses pool "spare"`,
  ]);
});

Deno.test("config: a key that is written with the value that switches it off has its effect and gets no note", () => {
  const off = "ejection: none, slowStart: none, hold: none, onTargetDown: keep, failOpen: never";
  const text = `admin: none
defaults: { ${off} }
${LISTENERS}
pools: { app: { targets: ["a:1"], ${off} } }
`;
  assert.deepEqual(linesOf(text), []);
});

Deno.test("config: probe keys that nothing reads get a note", () => {
  const text = `${LISTENERS}\npools: { app: { targets: ["a:1"], health: { check: tcp, path: /up } } }\n`;
  assert.match(
    linesOf(text).join("\n"),
    /^lb\.yaml:2:57 pools\.app\.health\.path: has no use with check: tcp/,
  );
});

Deno.test("config: a slow start gets a note where the algorithm of the pool takes no notice of weights in force", () => {
  const text = `${LISTENERS}
defaults: { slowStart: 10s }
pools:
  app: { targets: ["a:1"], algorithm: sourceHash }
  own: { targets: ["a:1"], algorithm: first, slowStart: 20s }
  off: { targets: ["a:1"], algorithm: first, slowStart: none }
  fair: { targets: ["a:1"] }
`;
  const notes = linesOf(text).filter((line) => line.includes("slowStart"));
  assert.deepEqual(notes, [
    "lb.yaml:4:3 pools.app: slowStart changes no weights with algorithm: sourceHash; only maxConnections of a target grows",
    "lb.yaml:5:46 pools.own.slowStart: slowStart changes no weights with algorithm: first; only maxConnections of a target grows",
  ]);
});

Deno.test("config: a share of a pool that is less than one of its targets gets a note", () => {
  const text = `${LISTENERS}
defaults: { ejection: { maxShare: 30% } }
pools:
  app: { targets: ["a:1", "b:1", "c:1"] }
  own: { targets: ["a:1", "b:1"], ejection: { maxShare: 0.5% } }
  enough: { targets: ["a:1", "b:1", "c:1", "d:1"] }
  exact: { targets: ["a:1", "b:1", "c:1"], ejection: { maxShare: 33.333334% } }
  alone: { targets: ["a:1"] }
  off: { targets: ["a:1", "b:1"], ejection: none }
`;
  assert.deepEqual(linesOf(text).filter((line) => line.includes("ejects nobody")), [
    "lb.yaml:4:3 pools.app: ejects nobody: 30% of 3 targets is less than one",
    "lb.yaml:5:47 pools.own.ejection.maxShare: ejects nobody: 0.5% of 2 targets is less than one",
  ]);
});

Deno.test("config: what is to be done when a target turns down gets a note where nothing turns one down", () => {
  const text = `${LISTENERS}
defaults: { health: none }
pools:
  app: { targets: ["a:1"], onTargetDown: close }
  keep: { targets: ["a:1"], onTargetDown: keep }
  probed: { targets: ["a:1"], health: { check: tcp }, onTargetDown: close }
`;
  assert.deepEqual(linesOf(text).filter((line) => line.includes("onTargetDown")), [
    "lb.yaml:4:28 pools.app.onTargetDown: onTargetDown: close closes nothing with health: none, " +
    "which turns no target down",
  ]);
});

Deno.test("config: built-in gives way to defaults, defaults to the listener, the listener to its pool", () => {
  const config = configOf(`
defaults:
  bind: "127.0.0.1:0"
  timeouts: { idle: 10s, stall: none, lifetime: 1h }
  health: none
  ejection: none
listeners:
  web: { pool: app, timeouts: { idle: 20s, lifetime: 2h } }
pools:
  app: { targets: ["a:1"], timeouts: { lifetime: 3h }, health: { rise: 5 }, ejection: { maxShare: 10% } }
  bare: { targets: [{ address: "a:1", weight: 7 }] }
`);
  assert.deepEqual(config.listeners[0]?.timeouts, {
    ...TIMEOUTS,
    idleMs: 20_000,
    stallMs: Infinity,
    lifetimeMs: 10_800_000,
  });
  assert.deepEqual(config.listeners[0]?.bind, [{ kind: "tcp", host: "127.0.0.1", port: 0 }]);
  assert.deepEqual(config.pools[0]?.health, {
    check: "tcp",
    port: undefined,
    timing: { ...TIMING, rise: 5 },
  });
  assert.equal(config.pools[0]?.ejection?.maxShare, 0.1);
  assert.deepEqual(config.pools[1]?.health, { check: "none" });
  assert.equal(config.pools[1]?.ejection, undefined);
  assert.equal(config.pools[1]?.targets[0]?.weight, 7);
});

Deno.test("config: an http check carries what it asks and what it expects", () => {
  const config = configOf(`${LISTENERS}
pools:
  app:
    targets: ["a:1"]
    health: { check: https, host: app.example, port: 81, expect: { status: "200-204,301", body: up } }
`);
  assert.deepEqual(config.pools[0]?.health, {
    check: "https",
    host: "app.example",
    port: 81,
    path: "/health",
    method: "GET",
    expect: { status: [{ from: 200, to: 204 }, { from: 301, to: 301 }], body: "up" },
    timing: TIMING,
  });
});

Deno.test("config: a check of a URL carries the URL as it is written, what it expects, and no path, host or port", () => {
  const config = configOf(`${LISTENERS}
defaults: { health: { check: url, expect: { status: "200" } } }
pools:
  app: { targets: ["a:1"], health: { url: "HTTP://{host}:8008/primary?port={port}", method: OPTIONS } }
`);
  assert.deepEqual(config.pools[0]?.health, {
    check: "url",
    url: "HTTP://{host}:8008/primary?port={port}",
    method: "OPTIONS",
    expect: { status: [{ from: 200, to: 200 }], body: undefined },
    timing: TIMING,
  });
});

Deno.test("config: a password in a URL to probe is not repeated", () => {
  for (
    const url of [
      "http://u:secret@{host}/",
      "http:/u:secret@{host}",
      "u:secret@{host}",
      "http://u:secret @{host}",
    ]
  ) {
    const lines = linesOf(
      `${LISTENERS}\npools: { app: { targets: ["a:1"], health: { check: url, url: "${url}" } } }`,
    );
    assert.match(lines.join("\n"), /has a user or a password in it/, url);
    assert.doesNotMatch(lines.join("\n"), /secret/, url);
  }
});

Deno.test("config: names are looked up every 30 seconds unless the pool or defaults say otherwise", () => {
  const config = configOf(`${LISTENERS}
defaults: { resolve: { interval: 10s } }
pools:
  app: { targets: ["a:1"] }
  two: { targets: ["a:1"], resolve: { interval: 1m } }
`);
  assert.deepEqual(config.pools.map(({ resolveIntervalMs }) => resolveIntervalMs), [10_000, 60_000]);
});

Deno.test("config: a text in quotes that came from the environment is a number where a number belongs", () => {
  const env = { W: "7", N: "none", A: "auto", NAME: "5", V: "1" };
  const yaml = `version: "\${V}"
process: { workers: "\${W}" }
listeners: { web: { bind: "0.0.0.0:8080", pool: "\${NAME}", maxConnections: "\${N}" } }
pools: { "5": { targets: [{ address: "h\${NAME}:80", weight: "\${W}", tier: "1\${V}" }], health: { check: http, expect: { body: "\${NAME}" } } } }
`;
  const json = JSON.stringify({
    process: { workers: "${A}" },
    listeners: { web: { bind: "0.0.0.0:8080", pool: "5", maxConnections: "${W}0" } },
    pools: { 5: { targets: [{ address: "h${NAME}:80", weight: "${X:-3}" }], retry: { attempts: "${W}" } } },
  });
  const [first, second] = [configOf(yaml, env), configOf(json, env)];
  assert.equal(first.process.workers, 7);
  assert.equal(first.listeners[0]?.maxConnections, Infinity);
  // What is wanted as a text stays one.
  assert.equal(first.listeners[0]?.pool, "5");
  const { targets, health } = first.pools[0]!;
  assert.deepEqual(targets[0], {
    address: { kind: "tcp", host: "h5", port: 80 },
    weight: 7,
    maxConnections: Infinity,
    tier: 11,
  });
  assert.equal(health.check === "http" && health.expect.body, "5");
  assert.equal(second.process.workers, "auto");
  assert.equal(second.listeners[0]?.maxConnections, 70);
  assert.equal(second.pools[0]?.targets[0]?.weight, 3);
  assert.equal(second.pools[0]?.retry.attempts, 7);
});

Deno.test("config: a text in quotes that is written out, tagged as a text or no number stays a mistake where a number belongs", () => {
  const attempts = (value: string) =>
    linesOf(`${LISTENERS}\npools: { app: { targets: ["a:1"], retry: { attempts: ${value} } } }`, {
      W: "7",
      B: "101",
      T: "x7",
    })
      .map((line) => line.replace(/^.*attempts: /, ""));
  assert.deepEqual(attempts(`"7"`), [`"7" is a text; write 7 without quotes`]);
  assert.deepEqual(attempts(`!!str "\${W}"`), [`"7" is a text; write 7 without quotes`]);
  assert.deepEqual(attempts(`"\${T}"`), [`"x7" is not a number; write a whole number from 1 to 100`]);
  assert.deepEqual(attempts(`"\${B}"`), ["101 is out of range; write a whole number from 1 to 100"]);
  assert.deepEqual(attempts(`"\${W}.5"`), ["7.5 is not a whole number; write a whole number from 1 to 100"]);
  assert.deepEqual(attempts(`'\${W}'`), []);
});

Deno.test("config: references to the environment are replaced in values, plain ones keep their kind", () => {
  const config = configOf(
    `listeners: { web: { bind: "\${HOST}:\${PORT:-80}", pool: app } }
pools:
  app:
    health: { check: http, expect: { body: "$\${NAME}" } }
    targets:
      - address: \${TARGET}
        weight: \${W:-3}
        tier: \${EMPTY:-2}
`,
    { HOST: "[::1]", TARGET: "a:1", EMPTY: "" },
  );
  assert.deepEqual(config.listeners[0]?.bind, [{ kind: "tcp", host: "::1", port: 80 }]);
  assert.equal(config.pools[0]?.targets[0]?.weight, 3);
  assert.equal(config.pools[0]?.targets[0]?.tier, 2);
  const health = config.pools[0]?.health;
  assert.equal(health?.check === "http" && health.expect.body, "${NAME}");
});

Deno.test("config: a value of the environment is one scalar, never a list or a mapping", () => {
  const lines = linesOf(`${LISTENERS}\npools:\n  app:\n    targets: \${T}\n`, { T: "[a:1, b:2]" });
  assert.deepEqual(lines, [
    `lb.yaml:4:14 pools.app.targets: "[a:1, b:2]" is not a list; write ["10.0.0.11:8080"]`,
  ]);
});

Deno.test("config: an alias stands for the value of its nearest anchor", () => {
  const config = configOf(`${LISTENERS}
pools:
  app: { targets: ["a:1"], timeouts: &slow { idle: 2h }, health: &h { rise: 9 } }
  two: { targets: ["a:1"], timeouts: *slow, health: *h }
`);
  assert.deepEqual(config.pools[1]?.health, config.pools[0]?.health);
});
