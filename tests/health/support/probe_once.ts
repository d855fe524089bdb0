// A process of its own, because proxies and roots of trust are read from the environment once.
import { Prober } from "../../../lib/health/prober.ts";
import type { ProbedSpec } from "../../../lib/health/spec.ts";

const { spec, port } = JSON.parse(Deno.args[0] ?? "") as { spec: ProbedSpec; port: number };
using prober = new Prober();
const { outcome, detail } = await prober.probe(spec, { host: "127.0.0.1", port, addresses: ["127.0.0.1"] }, {
  signal: new AbortController().signal,
});
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify({ outcome, detail })));
