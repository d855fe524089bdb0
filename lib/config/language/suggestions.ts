import { distance } from "fastest-levenshtein";
import { keyWords, wordsEverywhere } from "./peer_words.ts";
import type { Kind } from "./shape.ts";

/** What to write instead of a wrong key: a key of the same mapping (`here`), or a place elsewhere in words. */
export type KeyAdvice =
  | { readonly kind: "here"; readonly key: string; readonly sure: boolean }
  | { readonly kind: "elsewhere"; readonly where: string }
  | { readonly kind: "unknown" };

/** Finds the right key for a wrong one. It holds the tables of other programs' words, which are made once for a file. */
export class KeyAdviser {
  readonly #words = keyWords();
  readonly #everywhere = wordsEverywhere();

  /** Finds the right key in a mapping of a kind that has `keys`: its other spelling, another program's word, or a near miss. */
  advise(key: string, kind: Kind, keys: readonly string[]): KeyAdvice {
    const folded = fold(key);
    const spelled = keys.find((each) => fold(each) === folded);
    if (spelled !== undefined) return { kind: "here", key: spelled, sure: true };
    const words = this.#words;
    const peers = kind === "defaults" ? { ...words.listener, ...words.pool } : (words[kind] ?? {});
    const right = own(peers, folded) ?? own(this.#everywhere, folded);
    if (right !== undefined) {
      return keys.includes(right) ? { kind: "here", key: right, sure: true } : elsewhere(right, kind);
    }
    const guess = nearest(key, keys, {});
    if (guess !== undefined) return { kind: "here", key: guess, sure: false };
    const peer = nearest(key, [], peers);
    return peer !== undefined && keys.includes(peer)
      ? { kind: "here", key: peer, sure: false }
      : { kind: "unknown" };
  }
}

function elsewhere(where: string, kind: Kind): KeyAdvice {
  const ofPool = kind === "target" || kind === "listener" || kind === "health" || kind === "ejection" ||
    kind === "file";
  const local = where.startsWith("process.") || where.startsWith("pools.") || where.startsWith("defaults.");
  const expect = kind === "health" && where.startsWith("expect.");
  const text = `"${where}"${ofPool && !local && !expect && !where.includes(" of ") ? " of the pool" : ""}`;
  return { kind: "elsewhere", where: where.includes(" of ") ? where : text };
}

/** More words than these are not compared: a file may have 5,000 pools, and as many listeners that name none of them. */
const MAX_COMPARED = 200;

/** Finds the word a wrong one was meant to be, by other spelling, peers' words or few wrong letters; undefined when none is near. */
export function nearest<W extends string>(
  found: string,
  words: readonly W[],
  peers: Readonly<Record<string, string>>,
): string | undefined {
  const folded = fold(found.slice(0, 40));
  const candidates: [string, string][] = [
    ...words.slice(0, MAX_COMPARED).map((each): [string, string] => [fold(each), each]),
    ...Object.entries(peers),
  ];
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const [candidate, word] of candidates) {
    const max = maxSlips(folded, candidate);
    // Each letter that one of them has more is a slip of its own.
    if (Math.abs(folded.length - candidate.length) > max) continue;
    const letters = distance(folded, candidate);
    if (letters < bestDistance && letters <= max) {
      best = word;
      bestDistance = letters;
    }
  }
  return best;
}

/**
 * How many wrong letters still make one word of the other. A third of them: "tls" is not a slip of "acl", "leestconn" is one of
 * "leastconn". Two where the word begins alike: letters that changed places count as two, "chekc" is a slip of "check".
 */
function maxSlips(found: string, word: string): number {
  const length = Math.max(found.length, word.length);
  return length > 3 && found[0] === word[0] ? Math.max(2, Math.floor(length / 3)) : Math.floor(length / 3);
}

/** Takes case, hyphens, underscores and spaces out of a word, so that snake_case and kebab-case equal camelCase. */
export function fold(word: string): string {
  return word.replace(/[-_ ]/g, "").toLowerCase();
}

function own(table: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
