import assert from "node:assert/strict";
import { cutInTurn } from "../../lib/dataplane/cutting.ts";
import { FakeClock } from "../health/support/fake_clock.ts";

/** Sessions by name, with the time of their last byte, and the cuts of them with the time of each. */
class CuttingWorld {
  readonly clock = new FakeClock();
  readonly sessions: { readonly name: string; lastByteAt: number }[];
  readonly ended = new Set<string>();
  /** Those whose end meets a fault in the program. */
  readonly faulty = new Set<string>();
  readonly faults: string[] = [];
  readonly cuts: [name: string, at: number][] = [];

  constructor(lastBytes: Readonly<Record<string, number>>) {
    this.sessions = Object.entries(lastBytes).map(([name, lastByteAt]) => ({ name, lastByteAt }));
  }

  begin(spreadMs: number): void {
    const { clock } = this;
    cutInTurn(this.sessions, {
      engine: { now: () => clock.now(), after: (ms, callback) => clock.after(ms, callback) },
      spreadMs,
      isOpen: ({ name }) => !this.ended.has(name),
      cut: ({ name }) => {
        if (this.faulty.has(name)) throw new Error(name);
        this.cuts.push([name, clock.now()]);
      },
      onFault: (fault) => this.faults.push((fault as Error).message),
    });
  }
}

Deno.test("sessions that are quiet longest are cut first, evenly over the spread", async () => {
  const world = new CuttingWorld({ busy: 90, quiet: 10, new: 95, half: 50 });
  world.begin(40);
  await world.clock.advance(1_000);
  assert.deepEqual(world.cuts, [["quiet", 0], ["half", 10], ["busy", 20], ["new", 30]]);
});

Deno.test("a session keeps its place in the order though it moves bytes meanwhile", async () => {
  const world = new CuttingWorld({ a: 1, b: 2, c: 3 });
  world.begin(30);
  world.sessions[1]!.lastByteAt = 1_000;
  await world.clock.advance(1_000);
  assert.deepEqual(world.cuts, [["a", 0], ["b", 10], ["c", 20]]);
});

Deno.test("a fault in the program that one cut meets is told, and the others are cut all the same", async () => {
  const world = new CuttingWorld({ a: 1, b: 2, c: 3 });
  world.faulty.add("b");
  world.begin(30);
  await world.clock.advance(1_000);
  assert.deepEqual([world.cuts, world.faults], [[["a", 0], ["c", 20]], ["b"]]);
});

Deno.test("a session that has ended meanwhile is passed over and costs no timer, the others keep their times", async () => {
  const world = new CuttingWorld({ a: 1, b: 2, c: 3, d: 4 });
  world.begin(40);
  world.ended.add("b");
  await world.clock.advance(15);
  world.ended.add("d");
  assert.equal(world.clock.waiting, 1);
  await world.clock.advance(5);
  assert.deepEqual(world.cuts, [["a", 0], ["c", 20]]);
  assert.equal(world.clock.waiting, 0);
});

Deno.test("without a spread all are cut at once, and without a session nothing happens", () => {
  const world = new CuttingWorld({ b: 2, a: 1 });
  world.begin(0);
  assert.deepEqual(world.cuts, [["a", 0], ["b", 0]]);
  const empty = new CuttingWorld({});
  empty.begin(1_000);
  assert.equal(world.clock.waiting + empty.clock.waiting, 0);
});
