import assert from "node:assert/strict";

/**
 * Which folders of lib a folder may import from. The lower a row, the less it knows: control knows all that decide,
 * the data plane never sees a configuration, values know nobody.
 */
const arrows: { readonly [folder: string]: readonly string[] } = {
  main: ["cli"],
  cli: ["control", "config", "discovery", "health", "observe", "session", "values"],
  control: ["config", "discovery", "health", "dataplane", "pool", "relay", "session", "shared", "values"],
  dataplane: ["session", "pool", "relay", "shared", "values"],
  session: ["pool", "relay", "shared", "values"],
  config: ["values"],
  discovery: ["values"],
  health: ["wire", "values"],
  observe: ["values"],
  relay: ["values"],
  pool: ["shared", "values"],
  shared: ["values"],
  wire: ["values"],
  values: [],
};

/** Where each package, and each platform switch, may be imported: one file each. */
const owners: { readonly [specifier: string]: string } = {
  "npm:yaml": "lib/config/yaml/parser.ts",
  "npm:valibot": "lib/config/language/valibot.ts",
  "npm:@valibot/to-json-schema": "lib/config/language/json_schema.ts",
  "npm:fastest-levenshtein": "lib/config/language/suggestions.ts",
  "npm:dns-packet": "lib/discovery/dns_message.ts",
  "npm:@logtape/logtape": "lib/observe/log.ts",
  "node:buffer": "lib/discovery/dns_message.ts",
  "node:process": "lib/config/yaml/parser.ts",
  "node:timers": "lib/relay/immediate.ts",
  "node:util": "lib/cli/main.ts",
};

interface Resolved {
  readonly specifier: string;
}

interface Module {
  readonly specifier: string;
  readonly dependencies?: readonly {
    readonly specifier: string;
    readonly code?: Resolved;
    readonly type?: Resolved;
  }[];
}

const root = new URL("../../", import.meta.url).href;

async function modules(): Promise<Module[]> {
  const entries = ["main.ts", "lib/dataplane/worker.ts", "lib/observe/log_worker.ts"];
  const graphs = await Promise.all(entries.map(async (entry) => {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", entry],
      cwd: new URL(root),
    }).output();
    return JSON.parse(new TextDecoder().decode(stdout)).modules as Module[];
  }));
  return graphs.flat().filter(({ specifier }) => specifier.startsWith(root));
}

/** Every import as [file, imported specifier], both relative to the project where they are in it. */
async function imports(): Promise<[string, string][]> {
  const local = (specifier: string) => specifier.startsWith(root) ? specifier.slice(root.length) : specifier;
  return (await modules()).flatMap(({ specifier, dependencies = [] }) =>
    dependencies.map(({ specifier: written, code, type }): [string, string] => [
      local(specifier),
      local((code ?? type)?.specifier ?? written),
    ])
  );
}

function folderOf(file: string): string {
  return file === "main.ts" ? "main" : file.split("/")[1] ?? file;
}

Deno.test("every import follows an arrow of the architecture", async () => {
  const wrong = (await imports())
    .filter(([, to]) => to.startsWith("lib/"))
    .filter(([from, to]) =>
      folderOf(from) !== folderOf(to) && !arrows[folderOf(from)]?.includes(folderOf(to))
    )
    .map(([from, to]) => `${from} -> ${to}`);
  assert.deepEqual(wrong, []);
});

Deno.test("outside of relay/ nobody knows an engine's room, and in it the table of engines alone", async () => {
  const room = (file: string) => /^lib\/relay\/(?:linux|portable)\//.exec(file)?.[0];
  const wrong = (await imports())
    .filter(([from, to]) => room(to) !== undefined && room(from) !== room(to))
    .filter(([from]) => from !== "lib/relay/engines.ts")
    .map(([from, to]) => `${from} -> ${to}`);
  assert.deepEqual(wrong, []);
});

Deno.test("outside of relay/ nobody imports more of it than the seam, the table and the choice", async () => {
  const open = ["lib/relay/engine.ts", "lib/relay/engines.ts", "lib/relay/choose.ts"];
  const wrong = (await imports())
    .filter(([from, to]) => folderOf(to) === "relay" && to.startsWith("lib/") && folderOf(from) !== "relay")
    .filter(([, to]) => !open.includes(to))
    .map(([from, to]) => `${from} -> ${to}`);
  assert.deepEqual(wrong, []);
});

Deno.test("every package is imported in one file", async () => {
  const seen = new Map<string, Set<string>>();
  for (const [from, to] of await imports()) {
    if (to.startsWith("lib/") || to === "deno.json") continue;
    const name = to.replace(/(?<=[^:])@[^@/]*$/, "");
    seen.set(name, (seen.get(name) ?? new Set()).add(from));
  }
  const actual = Object.fromEntries([...seen].map(([name, files]) => [name, [...files].join(", ")]));
  assert.deepEqual(actual, owners);
});

Deno.test("the arrows have no cycle", () => {
  const visit = (folder: string, path: readonly string[]): void => {
    assert(!path.includes(folder), `${[...path, folder].join(" -> ")}`);
    for (const next of arrows[folder] ?? []) visit(next, [...path, folder]);
  };
  visit("main", []);
});
