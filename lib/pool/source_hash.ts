import type { Selector, SelectorInput } from "./algorithm.ts";
import { hash32, mix32 } from "./hash.ts";
import { maglevSize } from "./maglev.ts";
import type { Candidate } from "./target.ts";

// Enough that with half of the members away no client in 10^19 goes without; after it comes a sure, slower way.
const maxLookups = 64;
const goldenRatio = 0x9e3779b9;

/**
 * Sends a client to the same target as long as it is eligible: Maglev hashing of the client's IP address.
 *
 * The table is built from every member of the tier, eligible or not, so health never rebuilds it. A client has a fixed
 * row of entries in the table and gets the first eligible target on it. Hence a target that goes moves its own clients
 * only, spread over all others by weight, and all of them return with it. The entries of the row are hashed anew, not
 * neighbours: the neighbours of a lost member's entries would be the same few for many clients. Only a change of addresses
 * or weights builds a new table, and then up to 1 % of the clients of members that stay move as well (2 to 200 members).
 *
 * Throws when there is no table for the tier: whoever makes snapshots makes it.
 */
export function sourceHash({ members, table }: SelectorInput): Selector {
  if (table === undefined) throw new Error("a tier of sourceHash has no Maglev table");
  const bySlot = new Map(members.map((member) => [member.slot, member]));
  const inTable = table.slots.map((slot) => bySlot.get(slot)!);
  return {
    select(candidates, client) {
      const hash = hash32(client.remoteHost);
      for (let lookup = 0; lookup < maxLookups; lookup++) {
        const entry = lookup === 0 ? hash : mix32(hash + Math.imul(lookup, goldenRatio));
        const target = inTable[table.entries[entry % maglevSize]!]!;
        if (candidates.length === inTable.length || candidates.includes(target)) return target;
      }
      return highestScore(candidates, hash);
    },
  };
}

/**
 * Weighted rendezvous hashing (Thaler and Ravishankar 1998; weights by the logarithmic method of Schindelhauer and Schomaker 2005): the
 * end of a client's row when nearly all members are away, with the same promise that only a lost target's clients move.
 */
function highestScore(candidates: readonly Candidate[], clientHash: number): Candidate {
  let chosen = candidates[0]!;
  let highest = -Infinity;
  for (const candidate of candidates) {
    const uniform = (mix32(hash32(candidate.name) ^ clientHash) + 0.5) / 2 ** 32;
    const score = candidate.weight / -Math.log(uniform);
    if (score > highest) {
      highest = score;
      chosen = candidate;
    }
  }
  return chosen;
}
