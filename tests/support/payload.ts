/** Numbers 0 <= x < 1 that are the same in every run: xorshift32 (Marsaglia, 2003). */
export function seeded(seed: number): () => number {
  let state = (seed * 2_654_435_761 + 1) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** So many bytes that look random and are the same for the same seed. */
export function payload(size: number, seed: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(size / 4));
  const next = seeded(seed);
  for (let i = 0; i < words.length; i++) words[i] = next() * 2 ** 32;
  return new Uint8Array(words.buffer, 0, size);
}

/** A whole number from 0 to below `limit`. */
export function wholeBelow(limit: number, random: () => number): number {
  return Math.floor(random() * limit);
}
