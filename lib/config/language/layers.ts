import { isMapping, type Mapping } from "../yaml/located.ts";

/**
 * Lays values over each other, the lowest first: mappings key by key, everything else as a whole.
 * A mapping over a scalar (`ejection: none` in defaults, keys in a pool) goes on from the mappings beneath that scalar.
 */
export function overlay(layers: readonly unknown[]): unknown {
  const present = layers.filter((layer) => layer !== undefined);
  const top = present.at(-1);
  if (!isMapping(top)) return top;
  const mappings = present.filter(isMapping);
  // Most parts of a pool are written in one layer alone; thousands of pools then share it and need no copies.
  if (mappings.length === 1) return top;
  const result: { [key: string]: unknown } = Object.create(null);
  for (const key of new Set(mappings.flatMap((mapping) => Object.keys(mapping)))) {
    result[key] = overlay(mappings.map((mapping) => mapping[key]));
  }
  return result;
}

/** The value under a key; undefined where there is no mapping or no such key. */
export function valueAt(value: unknown, key: string): unknown {
  return isMapping(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** The mapping under a key; an empty one where there is none. */
export function mappingAt(value: unknown, key: string): Mapping {
  const found = valueAt(value, key);
  return isMapping(found) ? found : {};
}

/** Takes some keys of a mapping. */
export function only(mapping: Mapping, keys: readonly string[]): Mapping {
  return Object.fromEntries(
    keys.filter((key) => Object.hasOwn(mapping, key)).map((key) => [key, mapping[key]]),
  );
}
