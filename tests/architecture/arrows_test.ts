import assert from "node:assert/strict";

/**
 * Which folders of lib a folder may import from. The lower a row, the less it knows: control knows all that decide,
 * the data plane never sees a configuration, values know nobody.
 */
const arrows: { readonly [folder: string]: readonly string[] } = {
  main: ["cli"],
  cli: ["control", "config", "health", "observe", "session", "values"],
  control: ["config", "health", "dataplane", "pool", "relay", "session", "values"],
  dataplane: ["session", "pool", "relay", "values"],
  session: ["pool", "relay", "values"],
  config: ["values"],
  health: ["wire", "values"],
  observe: ["values"],
  relay: ["values"],
  pool: ["values"],
  wire: ["values"],
  values: [],
};

/** Where each package, and each platform switch, may be imported: one file each. */
const owners: { readonly [specifier: string]: string } = {
  "npm:yaml": "lib/config/document.ts",
  "npm:valibot": "lib/config/valibot.ts",
  "npm:@valibot/to-json-schema": "lib/config/json_schema.ts",
  "npm:fastest-levenshtein": "lib/config/words.ts",
  "npm:@logtape/logtape": "lib/observe/log.ts",
  "node:dns/promises": "lib/relay/linux/loop.ts",
  "node:timers": "lib/relay/linux/loop.ts",
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
  const entries = ["main.ts", "lib/dataplane/worker.ts"];
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
