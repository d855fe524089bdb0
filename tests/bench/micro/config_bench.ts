/** How long a configuration takes to be read and checked: what stands between HUP and the new snapshot. */
import { loadConfig } from "../../../lib/config/load.ts";

const file = "lb.yaml";
const three = Deno.readTextFileSync(new URL("../../../lb.yaml", import.meta.url));

const addresses = Array.from({ length: 1000 }, (_, index) => `10.0.${index >> 8}.${index & 255}:8080`);
const thousand = `listeners: { web: { bind: "0.0.0.0:8080", pool: app } }
pools:
  app:
    targets:
${addresses.map((address) => `      - "${address}"`).join("\n")}
`;

for (const [name, text] of [["3 targets: the example", three], ["1,000 targets", thousand]] as const) {
  Deno.bench(`config of ${name}`, () => {
    const loaded = loadConfig(text, { file, env: () => undefined });
    if ("diagnostics" in loaded) throw new Error(loaded.diagnostics[0]?.message);
  });
}
