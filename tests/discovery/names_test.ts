import assert from "node:assert/strict";
import { Names, type NameState } from "../../lib/discovery/names.ts";
import type { Lookup, Resolver } from "../../lib/discovery/resolver.ts";
import { FakeClock, settled } from "../health/support/fake_clock.ts";
import { within } from "../support/eventually.ts";
import { failed, found } from "./resolver_world.ts";

const minute = 60_000;

/** A resolver that answers as a test says, at once or when it says so. */
class FakeResolver implements Resolver {
  readonly asked: string[] = [];
  readonly #answers = new Map<string, Lookup | "later">();
  readonly #pending = new Map<string, (lookup: Lookup) => void>();

  /** From now on. */
  say(host: string, answer: Lookup | "later"): void {
    this.#answers.set(host, answer);
  }

  /** Ends the lookup that is under way. */
  async end(host: string, lookup: Lookup): Promise<void> {
    const end = this.#pending.get(host);
    assert(end !== undefined, `no lookup of ${host} is under way`);
    end(lookup);
    await settled();
  }

  isUnderWay(host: string): boolean {
    return this.#pending.has(host);
  }

  lookup(host: string, signal: AbortSignal): Promise<Lookup> {
    assert(!this.#pending.has(host), `two lookups of ${host} at a time`);
    this.asked.push(host);
    const answer = this.#answers.get(host) ?? failed("host not found");
    if (answer !== "later") return Promise.resolve(answer);
    return new Promise((resolve) => {
      const end = (lookup: Lookup) => {
        this.#pending.delete(host);
        resolve(lookup);
      };
      this.#pending.set(host, end);
      signal.addEventListener("abort", () => end(failed("given up")));
    });
  }
}

/** Names over a fake resolver and a clock that stands still; half of the jitter's range is none. */
class World implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly resolver = new FakeResolver();
  readonly changes: NameState[] = [];
  readonly names: Names;

  constructor(random = () => 0.5) {
    const { clock, resolver } = this;
    this.names = new Names({ clock, resolver, random, onChange: (state) => this.changes.push(state) });
  }

  async watch(names: { readonly [host: string]: number }): Promise<void> {
    this.names.watch(new Map(Object.entries(names)));
    await settled();
  }

  /** How often a name was looked up so far. */
  count(host: string): number {
    return this.resolver.asked.filter((asked) => asked === host).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await within("the end of all lookups", this.names.close());
    assert.equal(this.clock.waiting, 0, "somebody sleeps still");
  }
}

Deno.test("a name is pending until its first lookup has ended", async () => {
  await using world = new World();
  world.resolver.say("app", "later");
  await world.watch({ app: minute });
  const before = { host: "app", addresses: [], problem: undefined, resolvedAt: undefined, pending: true };
  assert.deepEqual(world.names.state("app"), before);
  assert.deepEqual(world.changes, []);
  await world.clock.advance(100);
  await world.resolver.end("app", found("10.0.0.1"));
  const after = { ...before, addresses: ["10.0.0.1"], resolvedAt: 100, pending: false };
  assert.deepEqual(world.names.state("app"), after);
  assert.deepEqual(world.changes, [after]);
  assert.equal(world.names.state("other"), undefined);
});

Deno.test("a name is looked up once in its interval, give or take a tenth", async () => {
  for (const [random, ms] of [[0, 54_000], [0.5, 60_000], [0.999999, 66_000]] as const) {
    await using world = new World(() => random);
    world.resolver.say("app", found("10.0.0.1"));
    await world.watch({ app: minute });
    assert.equal(world.count("app"), 1);
    await world.clock.advance(ms - 1);
    assert.equal(world.count("app"), 1);
    await world.clock.advance(1);
    assert.equal(world.count("app"), 2);
  }
});

Deno.test("a change of the addresses is announced, an equal answer or the same set in another order is not", async () => {
  await using world = new World();
  const answers = [
    found("1.0.0.1", "1.0.0.2"),
    found("1.0.0.2", "1.0.0.1"),
    found("1.0.0.2"),
    found("1.0.0.2", "::1"),
  ];
  for (const answer of answers) {
    world.resolver.say("app", answer);
    if (world.count("app") === 0) await world.watch({ app: minute });
    else await world.clock.advance(minute);
  }
  assert.deepEqual(world.changes.map(({ addresses }) => addresses), [
    ["1.0.0.1", "1.0.0.2"],
    ["1.0.0.2"],
    ["1.0.0.2", "::1"],
  ]);
  assert.equal(world.names.state("app")!.resolvedAt, 3 * minute);
});

for (
  const [what, lookup, problem] of [
    ["not found", failed("host not found"), "host not found"],
    ["not answered", failed("no name server answers"), "no name server answers"],
    ["found without an address", found(), "no address"],
  ] as const
) {
  Deno.test(`a name that is ${what} keeps its last good answer, and says why once`, async () => {
    await using world = new World();
    world.resolver.say("app", found("10.0.0.1"));
    await world.watch({ app: minute });
    world.resolver.say("app", lookup);
    await world.clock.advance(2 * minute);
    const state = { host: "app", addresses: ["10.0.0.1"], problem, resolvedAt: 0, pending: false };
    assert.deepEqual(world.names.state("app"), state);
    assert(world.count("app") > 3);
    assert.deepEqual(world.changes.slice(1), [state]);
    // The same addresses again are a change: the problem is over.
    world.resolver.say("app", found("10.0.0.1"));
    await world.clock.advance(minute);
    assert.equal(world.changes.length, 3);
    assert.equal(world.names.state("app")!.problem, undefined);
  });
}

Deno.test("a failed lookup is repeated sooner, later each time, at the latest after the interval", async () => {
  await using world = new World();
  await world.watch({ app: 10_000 });
  const times: number[] = [];
  for (let count = 1, at = 0; at <= 60_000; at += 500) {
    await world.clock.advance(500);
    if (world.count("app") > count) times.push(at + 500);
    count = world.count("app");
  }
  assert.deepEqual(times.slice(0, 6), [1000, 3000, 7000, 15_000, 25_000, 35_000]);
  world.resolver.say("app", found("10.0.0.1"));
  await world.clock.advance(10_000);
  const { length } = world.resolver.asked;
  await world.clock.advance(9_000);
  assert(world.resolver.asked.length <= length + 1, "a good answer ends the haste");
});

Deno.test("at most one lookup for a name is under way, and a slow one keeps no other waiting", async () => {
  await using world = new World();
  world.resolver.say("slow", "later");
  world.resolver.say("quick", found("10.0.0.2"));
  await world.watch({ slow: 1000, quick: 1000 });
  await world.clock.advance(minute);
  assert.equal(world.count("slow"), 1);
  assert.equal(world.count("quick"), 61);
  await world.watch({ slow: 500, quick: 1000 });
  assert.equal(world.count("slow"), 1);
});

Deno.test("a name that stays keeps its answer, one that goes is forgotten and its lookup given up", async () => {
  await using world = new World();
  world.resolver.say("stays", found("10.0.0.1"));
  world.resolver.say("goes", "later");
  await world.watch({ stays: minute, goes: minute });
  await world.watch({ stays: minute, comes: minute });
  assert(!world.resolver.isUnderWay("goes"));
  assert.equal(world.names.state("goes"), undefined);
  assert.deepEqual(world.names.state("stays")!.addresses, ["10.0.0.1"]);
  assert.deepEqual(world.resolver.asked, ["stays", "goes", "comes"]);
  assert.deepEqual(world.changes.map(({ host }) => host), ["stays", "comes"]);
  await world.clock.advance(3 * minute);
  assert.equal(world.count("goes"), 1);
});

Deno.test("a name that goes and comes back begins afresh, whatever its old lookup says", async () => {
  await using world = new World();
  world.resolver.say("app", "later");
  await world.watch({ app: minute });
  await world.watch({});
  await world.watch({ app: minute });
  await world.resolver.end("app", found("10.0.0.2"));
  assert.deepEqual(world.changes.map(({ addresses }) => addresses), [["10.0.0.2"]]);
});

Deno.test("a new interval counts from the last lookup on", async () => {
  await using world = new World();
  world.resolver.say("app", found("10.0.0.1"));
  await world.watch({ app: minute });
  await world.clock.advance(20_000);
  await world.watch({ app: 30_000 });
  await world.clock.advance(9_999);
  assert.equal(world.count("app"), 1);
  await world.clock.advance(1);
  assert.equal(world.count("app"), 2);
  await world.clock.advance(1000);
  await world.watch({ app: 500 });
  assert.equal(world.count("app"), 3);
  await world.watch({ app: minute });
  await world.clock.advance(minute - 1);
  assert.equal(world.count("app"), 3);
});

Deno.test("the first lookups are waited for, also those that fail or are not wanted any more", async () => {
  await using world = new World();
  for (const host of ["fails", "goes", "slow"]) world.resolver.say(host, "later");
  world.resolver.say("found", found("10.0.0.1"));
  await world.watch({ found: minute, fails: minute, goes: minute, slow: minute });
  let done = false;
  const first = world.names.firstLookups(10_000).then(() => done = true);
  await world.resolver.end("fails", failed("host not found"));
  await world.watch({ found: minute, fails: minute, slow: minute });
  assert(!done);
  await world.resolver.end("slow", found("10.0.0.2"));
  assert(done);
  await first;
  await within("what is known already", world.names.firstLookups(10_000));
});

Deno.test("the first lookups are waited for no longer than may be", async () => {
  await using world = new World();
  world.resolver.say("slow", "later");
  await world.watch({ slow: minute });
  let done = false;
  const first = world.names.firstLookups(10_000).then(() => done = true);
  await world.clock.advance(9_999);
  assert(!done);
  await world.clock.advance(1);
  await within("the end of the patience", first);
});

Deno.test("after close nothing is looked up, announced or slept for", async () => {
  const world = new World();
  world.resolver.say("slow", "later");
  world.resolver.say("app", found("10.0.0.1"));
  await world.watch({ slow: minute, app: minute });
  await world[Symbol.asyncDispose]();
  await world.clock.advance(10 * minute);
  assert.deepEqual(world.resolver.asked, ["slow", "app"]);
  assert.deepEqual(world.changes.map(({ host }) => host), ["app"]);
});
