/** Loads a small configuration in a process of its own, which has no permissions, and says what it found. */
import { loadConfig } from "../../../lib/config/load.ts";

const text = `listeners: { web: { bind: "127.0.0.1:0", pool: app } }
pools: { app: { targets: ["127.0.0.1:1"] } }
`;
const loaded = loadConfig(text, { file: "lb.yaml", env: () => undefined });
const answer = "config" in loaded ? `${loaded.config.pools.length} pool\n` : loaded.diagnostics[0]?.message;
await Deno.stdout.write(new TextEncoder().encode(answer));
