import type { Step } from "./diagnostic.ts";
import { mappingAt, valueAt } from "./layers.ts";
import { isMapping, locate, type Located, type Place } from "./located.ts";
import type { Spot } from "./sift.ts";

/** One listener or pool of a file, with what it inherits from `defaults`. */
export interface Member {
  readonly name: string;
  readonly located: Located;
  /** False when it is no mapping: nothing can be said about its keys. */
  readonly readable: boolean;
  /** A key of its own or of defaults; undefined when neither has it. A value that was taken out as wrong is `undefined` in it. */
  readonly get: (key: string) => Spot | undefined;
}

/** The listeners or pools of a file, in file order. */
export function membersOf(file: Spot, section: "listeners" | "pools"): readonly Member[] {
  const members = locate(file.located, [section])?.children ?? new Map<Step, Located>();
  const values = mappingAt(file.value, section);
  return [...members].map(([step, located]) => {
    const name = String(step);
    const value = valueAt(values, name);
    return {
      name,
      located,
      readable: isMapping(value),
      get: (key) => own(value, located, key) ?? inherited(file, key),
    };
  });
}

function own(value: unknown, located: Located, key: string): Spot | undefined {
  const at = located.children.get(key);
  return at === undefined ? undefined : { value: valueAt(value, key), located: at };
}

function inherited(file: Spot, key: string): Spot | undefined {
  const at = locate(file.located, ["defaults", key]);
  return at === undefined
    ? undefined
    : { value: valueAt(mappingAt(file.value, "defaults"), key), located: at };
}

/** The items of a list with their places; a single value counts as a list of one. */
export function itemsOf(spot: Spot): readonly Spot[] {
  if (!Array.isArray(spot.value)) return spot.value === undefined ? [] : [spot];
  return spot.value.map((value, index) => ({
    value,
    located: spot.located.children.get(index) ?? spot.located,
  }));
}

/** Orders places as they stand in the file. */
export function byPlace(a: { readonly at: Place }, b: { readonly at: Place }): number {
  return a.at.line - b.at.line || a.at.column - b.at.column;
}
