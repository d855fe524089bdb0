import assert from "node:assert/strict";
import { keepToOwnCore } from "../../lib/relay/linux/affinity.ts";
import type { Libc } from "../../lib/relay/linux/libc.ts";

/** The cores that a thread is kept to where the process may use those given; undefined = it was left alone. */
function chosen(
  { cores, refused = false, ...thread }: { cores: number[]; refused?: boolean; index: number; count: number },
): number[] | undefined {
  let kept: number[] | undefined;
  const call = {
    sched_getaffinity(_thread: number, size: number, set: Uint8Array) {
      assert.equal(size, set.length);
      for (const core of cores) set[core >> 3]! |= 1 << (core & 7);
      return refused ? -1 : 0;
    },
    sched_setaffinity(thread: number, size: number, set: Uint8Array) {
      assert.deepEqual([thread, size], [0, set.length]);
      kept = Array.from({ length: size * 8 }, (_, core) => core)
        .filter((core) => (set[core >> 3]! & (1 << (core & 7))) !== 0);
      return 0;
    },
  };
  keepToOwnCore({ call } as unknown as Libc, thread);
  return kept;
}

Deno.test("where there are as many cores as threads, each has one of its own", () => {
  const cores = [0, 3, 9, 1_023];
  const kept = cores.map((_, index) => chosen({ cores, index, count: cores.length }));
  assert.deepEqual(kept, cores.map((core) => [core]));
});

for (
  const [what, options] of [
    ["a thread that is alone", { cores: [0], index: 0, count: 1 }],
    ["a thread with more cores than threads", { cores: [0, 1, 2], index: 1, count: 2 }],
    ["a thread with fewer cores than threads", { cores: [0, 1], index: 2, count: 3 }],
    ["a thread that may not know its cores", { cores: [0, 1], index: 0, count: 2, refused: true }],
  ] as const
) {
  Deno.test(`${what} is left to the kernel`, () => {
    assert.equal(chosen({ ...options, cores: [...options.cores] }), undefined);
  });
}
