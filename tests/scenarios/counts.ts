/** How much the scenarios do: a short form for every day, the long form with SOAK=1. */

const KiB = 1024;
const MiB = 1024 * KiB;

const short = {
  bulk: { count: 4, width: 4, bytes: 12 * MiB },
  randomLives: { count: 800, width: 64 },
  clientHalfClose: { count: 8, width: 4, bytes: 10 * MiB },
  targetHalfClose: { count: 8, width: 4, bytes: 10 * MiB },
  bothClose: { count: 300, width: 50 },
  resets: { count: 40, width: 20 },
  earlyClose: { count: 6, width: 3 },
  stalled: { count: 20, bytes: 64 * MiB, probes: 50 },
  records: { count: 60, width: 20 },
};

const long: typeof short = {
  bulk: { count: 100, width: 10, bytes: 100 * MiB },
  randomLives: { count: 200_000, width: 64 },
  clientHalfClose: { count: 1_000, width: 10, bytes: 10 * MiB },
  targetHalfClose: { count: 1_000, width: 10, bytes: 10 * MiB },
  bothClose: { count: 10_000, width: 50 },
  resets: { count: 1_000, width: 50 },
  earlyClose: { count: 100, width: 3 },
  stalled: { count: 100, bytes: 1024 * MiB, probes: 1_000 },
  records: { count: 10_000, width: 50 },
};

/** The counts in force. `width`: how many at the same time. */
export const counts = Deno.env.get("SOAK") === "1" ? long : short;

/** With how many data-plane threads: two, as on most machines; in the long form one as well. */
export const workerCounts: readonly number[] = counts === long ? [1, 2] : [2];
