import assert from "node:assert/strict";
import fc from "fast-check";
import { Bag } from "../../lib/values/bag.ts";

function member(name: number): { name: number; bagPlace: number } {
  return { name, bagPlace: -1 };
}

Deno.test("a bag holds what a set would, however its members come and go", () => {
  const steps = fc.array(fc.nat({ max: 9 }), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (names) => {
      const all = Array.from({ length: 10 }, (_, name) => member(name));
      const [bag, set] = [new Bag<ReturnType<typeof member>>(), new Set<number>()];
      for (const name of names) {
        if (set.delete(name)) bag.delete(all[name]!);
        else {
          set.add(name);
          bag.add(all[name]!);
        }
        assert.deepEqual(bag.members().map(({ name }) => name).sort(), [...set].sort());
        assert.equal(bag.size, set.size);
      }
    }),
    { seed: 20261124 },
  );
});

Deno.test("taking out what a bag does not hold changes nothing", () => {
  const bag = new Bag<ReturnType<typeof member>>();
  const [inside, gone, never] = [member(1), member(2), member(3)];
  bag.add(inside);
  bag.add(gone);
  for (const one of [gone, gone, never]) bag.delete(one);
  assert.deepEqual(bag.members(), [inside]);
});

Deno.test("the members of a bag can be taken out while they are gone through", () => {
  const bag = new Bag<ReturnType<typeof member>>();
  for (let name = 0; name < 5; name++) bag.add(member(name));
  for (const one of bag.members()) bag.delete(one);
  assert.equal(bag.size, 0);
});
