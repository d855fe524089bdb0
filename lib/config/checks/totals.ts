import type { Findings } from "../findings.ts";
import type { LocatedValue, Subject } from "../yaml/located.ts";
import { extend } from "../yaml/position.ts";
import { inherited, itemsOf, membersOf } from "./members.ts";

const MAX_MEMBERS = 5_000;
const MAX_ITEMS = 50_000;

/**
 * Finds sections with too many members, binds or targets, and returns whether there are none. A short file can describe a great
 * deal: where 5,000 listeners inherit 20,000 binds, no other check may go through them one by one.
 */
export function checkTotals(file: LocatedValue, findings: Findings): boolean {
  const rows = [
    { section: "listeners", key: "bind", noun: "addresses" },
    { section: "pools", key: "targets", noun: "targets" },
  ] as const;
  let right = true;
  for (const { section, key, noun } of rows) {
    const members = membersOf(file, section);
    const shared = inherited(file, key);
    const sharedItems = shared === undefined ? 0 : itemsOf(shared).length;
    const items = members.reduce((sum, member) => {
      const own = member.own(key);
      return sum + (own === undefined ? sharedItems : itemsOf(own).length);
    }, 0);
    if (members.length <= MAX_MEMBERS && items <= MAX_ITEMS) continue;
    right = false;
    const message = members.length > MAX_MEMBERS
      ? `${members.length} ${section} are written here; write at most ${MAX_MEMBERS}`
      : `the ${section} have ${items} ${noun} in all; write at most ${MAX_ITEMS}`;
    findings.add(subjectOf(file, section), () => message);
  }
  return right;
}

function subjectOf({ located }: LocatedValue, section: string): Subject {
  const at = located.children.get(section)?.keyAt ?? located.at;
  return { at, path: extend(undefined, section) };
}
