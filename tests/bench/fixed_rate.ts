/** How high the fixed load is. */
import { byRound, type Sample } from "./samples.ts";
import type { ServerName } from "./server_names.ts";
import { median } from "./statistics.ts";

const share = 0.6;

/** lb's fast engine and the peers, each peer in all its forms: its best counts. */
const contenders: readonly (readonly ServerName[])[] = [
  ["lb-linux"],
  ["haproxy", "haproxy-tuned"],
  ["nginx", "nginx-tuned"],
];

/**
 * 60 % of the throughput of small requests of the slowest of lb-linux, HAProxy at its best and nginx at its best, as far
 * as they were measured; of whoever was measured when none of these was. Throws when nobody was.
 */
export function fixedRatePerS(samples: readonly Sample[]): number {
  const throughput = (server: ServerName) =>
    median([...byRound(samples, { workload: "small", server, figure: "requestsPerS" }).values()]);
  const best = contenders.flatMap((forms) => {
    const measured = forms.map(throughput).filter((perS) => !Number.isNaN(perS));
    return measured.length === 0 ? [] : [Math.max(...measured)];
  });
  const all = [...new Set(samples.map(({ server }) => server))].map(throughput).filter((perS) =>
    !Number.isNaN(perS)
  );
  const slowest = Math.min(...best.length > 0 ? best : all);
  if (!Number.isFinite(slowest)) throw new Error("no throughput of small requests to take a share of");
  return share * slowest;
}
