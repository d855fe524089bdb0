import assert from "node:assert/strict";
import fc from "fast-check";
import { UnorderedSet } from "../../lib/values/unordered_set.ts";

function member(name: number): { name: number; setIndex: number } {
  return { name, setIndex: -1 };
}

Deno.test("an unordered set holds what a set would, however its members come and go", () => {
  const steps = fc.array(fc.nat({ max: 9 }), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (names) => {
      const all = Array.from({ length: 10 }, (_, name) => member(name));
      const [members, set] = [new UnorderedSet<ReturnType<typeof member>>(), new Set<number>()];
      for (const name of names) {
        if (set.delete(name)) members.delete(all[name]!);
        else {
          set.add(name);
          members.add(all[name]!);
        }
        assert.deepEqual(members.members().map(({ name }) => name).sort(), [...set].sort());
        assert.equal(members.size, set.size);
      }
    }),
    { seed: 20261124 },
  );
});

Deno.test("taking out what an unordered set does not hold changes nothing", () => {
  const members = new UnorderedSet<ReturnType<typeof member>>();
  const [inside, gone, never] = [member(1), member(2), member(3)];
  members.add(inside);
  members.add(gone);
  for (const one of [gone, gone, never]) members.delete(one);
  assert.deepEqual(members.members(), [inside]);
});

Deno.test("the members of an unordered set can be taken out while they are gone through", () => {
  const members = new UnorderedSet<ReturnType<typeof member>>();
  for (let name = 0; name < 5; name++) members.add(member(name));
  for (const one of members.members()) members.delete(one);
  assert.equal(members.size, 0);
});
