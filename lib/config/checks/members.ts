import { mappingAt, valueAt } from "../language/layers.ts";
import { isMapping, locate, type Located, type LocatedValue } from "../yaml/located.ts";
import type { Step } from "../yaml/position.ts";

/** One listener or pool of a file, with what it inherits from `defaults`. */
export interface Member {
  readonly name: string;
  readonly located: Located;
  /** False when it is no mapping: it has no keys to check. */
  readonly readable: boolean;
  /** A key of its own; undefined when it has none. A value that was taken out as wrong is `undefined` in it. */
  readonly own: (key: string) => LocatedValue | undefined;
  /** A key of its own or of defaults. */
  readonly get: (key: string) => LocatedValue | undefined;
}

/** The listeners or pools of a file, in file order. */
export function membersOf(file: LocatedValue, section: "listeners" | "pools"): readonly Member[] {
  const members = locate(file.located, [section])?.children ?? new Map<Step, Located>();
  const values = mappingAt(file.value, section);
  return [...members].map(([step, located]) => {
    const name = String(step);
    const value = valueAt(values, name);
    const own = (key: string) => childOf({ value, located }, key);
    return { name, located, readable: isMapping(value), own, get: (key) => own(key) ?? inherited(file, key) };
  });
}

/** A key of `defaults`; undefined when it is not written there. */
export function inherited(file: LocatedValue, key: string): LocatedValue | undefined {
  const defaults = locate(file.located, ["defaults"]);
  return defaults === undefined
    ? undefined
    : childOf({ value: valueAt(file.value, "defaults"), located: defaults }, key);
}

/** What is written under a key of a mapping. */
export function childOf({ value, located }: LocatedValue, key: string): LocatedValue | undefined {
  const child = located.children.get(key);
  return child === undefined ? undefined : { value: valueAt(value, key), located: child };
}

/** The items of a list with their positions; a single value counts as a list of one. */
export function itemsOf(list: LocatedValue): readonly LocatedValue[] {
  if (!Array.isArray(list.value)) return list.value === undefined ? [] : [list];
  return list.value.map((value, index) => ({
    value,
    located: list.located.children.get(index) ?? list.located,
  }));
}
