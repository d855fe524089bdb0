import { Prober, type ProberOptions } from "../../../lib/health/prober.ts";
import type { ProbedSpec, ProbeResult, ProbeTarget } from "../../../lib/health/spec.ts";
import { loopback } from "./servers.ts";

/** Probes until the result counts, so that a starved test machine only makes the test slower. */
export async function probeUntilCounted(
  spec: ProbedSpec,
  target: ProbeTarget | number,
  options: ProberOptions & { readonly preferred?: string } = {},
): Promise<ProbeResult> {
  using prober = new Prober(options);
  const { preferred } = options;
  const { signal } = new AbortController();
  const wanted = typeof target === "number" ? loopback(target) : target;
  for (;;) {
    const result = await prober.probe(spec, wanted, { signal, preferred });
    if (result.detail !== "this process got no processor time") return result;
  }
}

/** How a probe ended, and why. */
export async function outcomeOf(
  ...probe: Parameters<typeof probeUntilCounted>
): Promise<[ProbeResult["outcome"], string]> {
  const { outcome, detail } = await probeUntilCounted(...probe);
  return [outcome, detail];
}

/** Probes once in a process of its own, because proxies and roots of trust are read from the environment once. */
export async function outcomeInProcess(
  spec: ProbedSpec,
  target: number | { readonly port: number; readonly ignoresRequest: boolean },
  env: Record<string, string>,
): Promise<[ProbeResult["outcome"], string]> {
  const script = new URL("probe_once.ts", import.meta.url).href;
  const patient = { ...spec, timing: { ...spec.timing, timeoutMs: 10_000 } };
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-config",
      "-A",
      script,
      JSON.stringify({ spec: patient, ...(typeof target === "number" ? { port: target } : target) }),
    ],
    env,
  }).output();
  const text = new TextDecoder().decode(stdout);
  if (text === "") throw new Error(new TextDecoder().decode(stderr));
  const { outcome, detail } = JSON.parse(text);
  return [outcome, detail];
}
