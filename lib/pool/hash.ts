/**
 * Hashes a string to 0 <= h < 2^32: FNV-1a over its UTF-16 code units, then the finalizer of MurmurHash3.
 *
 * FNV-1a alone spreads the last characters badly, and the last characters are where neighbouring IP addresses differ.
 * `seed` (32 bits) gives independent hashes of one text. Sources: RFC 9923 (FNV), Appleby's MurmurHash3 `fmix32`.
 */
export function hash32(text: string, seed = 0): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix32(hash);
}

/** Scatters a 32-bit number over 0 <= h < 2^32, one to one: MurmurHash3 `fmix32`. */
export function mix32(bits: number): number {
  let hash = bits;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
