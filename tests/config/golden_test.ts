import assert from "node:assert/strict";
import { formatDiagnostic } from "../../lib/config/diagnostic.ts";
import { loadConfig } from "../../lib/config/load.ts";

const folder = new URL("./golden/", import.meta.url);

/** One line for each diagnostic or note, as an operator reads them. */
function linesOf(text: string): string {
  const loaded = loadConfig(text, { file: "lb.yaml", env: () => undefined });
  const diagnostics = "diagnostics" in loaded ? loaded.diagnostics : loaded.notes;
  return diagnostics.map((each) => `${formatDiagnostic(each)}\n`).join("");
}

for (const { name } of [...Deno.readDirSync(folder)].sort((a, b) => a.name.localeCompare(b.name))) {
  if (!name.endsWith(".yaml")) continue;
  Deno.test(`config: ${name.slice(0, -5).replaceAll("_", " ")}`, async () => {
    const expected = new URL(name.replace(/\.yaml$/, ".txt"), folder);
    const found = linesOf(await Deno.readTextFile(new URL(name, folder)));
    if (Deno.env.get("UPDATE_GOLDEN") === "1") await Deno.writeTextFile(expected, found);
    assert.equal(found, await Deno.readTextFile(expected));
  });
}

Deno.test("config: ten mistakes give ten lines", () => {
  const text = Deno.readTextFileSync(new URL("ten_mistakes.yaml", folder));
  assert.equal(linesOf(text).trimEnd().split("\n").length, 10);
});
