import { quoted } from "../values/printable.ts";
import { describe, formatPath, type Step } from "./diagnostic.ts";
import { type Finding, isMapping, type Located, type Mapping } from "./located.ts";
import { NAME } from "./schema.ts";
import {
  isChoiceShape,
  isListShape,
  isMappingShape,
  isNamedShape,
  type Kind,
  type MappingShape,
  type NamedShape,
  type Shape,
  unwrapped,
} from "./shape.ts";
import { adviseKey } from "./words.ts";

/** A value with its place. */
export interface Spot {
  readonly value: unknown;
  readonly located: Located;
}

/**
 * Takes out every key a shape does not know and everything that is no mapping where one belongs, with a finding for each.
 * A wrong word with a right one in reach is filed under the right one, so that what it holds is checked in the same run.
 */
export function siftKeys(shape: Shape, spot: Spot, findings: Finding[]): Spot {
  if (isChoiceShape(shape)) return siftKeys(shape.choice[shape.pick(spot.value)], spot, findings);
  if (isListShape(shape)) return siftList(shape.item, spot, findings);
  if (!isMappingShape(shape) && !isNamedShape(shape)) return spot;
  if (!isMapping(spot.value)) {
    const found = spot.value === null
      ? "nothing is written here"
      : `${describe(spot.value)} is not a mapping`;
    findings.push({
      at: spot.located.at,
      path: spot.located.path,
      message: `${found}; write ${keysWanted(shape)}`,
    });
    return { value: undefined, located: spot.located };
  }
  return isNamedShape(shape)
    ? siftNames(shape, spot.value, spot.located, findings)
    : siftMapping(shape, spot.value, spot.located, findings);
}

function keysWanted(shape: MappingShape | NamedShape): string {
  if (isNamedShape(shape)) return "NAME: { ... } for each";
  return `keys such as ${Object.keys(shape.entries).slice(0, 3).join(", ")}`;
}

function siftList(item: Shape, spot: Spot, findings: Finding[]): Spot {
  if (!Array.isArray(spot.value)) return spot;
  const children = new Map<Step, Located>();
  const value = spot.value.map((each, index) => {
    const located = spot.located.children.get(index) ?? spot.located;
    const sifted = siftKeys(item, { value: each, located }, findings);
    children.set(index, sifted.located);
    return sifted.value;
  });
  return { value, located: { ...spot.located, children } };
}

function siftNames(shape: NamedShape, value: Mapping, located: Located, findings: Finding[]): Spot {
  const kept = new Kept();
  for (const [name, each] of Object.entries(value)) {
    const child = located.children.get(name) ?? located;
    if (NAME.test(name)) kept.add(name, siftKeys(shape.value, { value: each, located: child }, findings));
    else {findings.push({
        at: child.keyAt,
        path: child.path,
        message: `${quoted(name)} is not a name; ${nameForm(name)}`,
      });}
  }
  if (Object.keys(value).length === 0) {
    findings.push({ at: located.at, path: located.path, message: `is empty; write ${keysWanted(shape)}` });
  }
  return kept.spot(located);
}

function nameForm(name: string): string {
  if (name === "<<") return "merge keys are not part of this language; put shared keys under defaults";
  return "write a letter or digit first, then letters, digits, dots, underscores or hyphens, 64 at most";
}

function siftMapping(shape: MappingShape, value: Mapping, located: Located, findings: Finding[]): Spot {
  const keys = Object.keys(shape.entries);
  const kept = new Kept();
  const misnamed: [string, Spot][] = [];
  for (const [key, each] of Object.entries(value)) {
    const child = located.children.get(key) ?? located;
    if (keys.includes(key)) {
      kept.add(key, siftKeys(entry(shape, key), { value: each, located: child }, findings));
      continue;
    }
    const advice = adviseKey(key, shape.kindOfMapping, keys);
    const message = `${quoted(key)} is not a key of ${nameOf(shape.kindOfMapping, located)}; ${
      write(advice, keys, key)
    }`;
    findings.push({ at: child.keyAt, path: child.path, message });
    if (advice.kind === "here") {
      misnamed.push([advice.key, { value: each, located: { ...child, misnamed: true } }]);
    }
  }
  for (const [key, spot] of misnamed) {
    if (Object.hasOwn(value, key) || kept.has(key)) continue;
    const inside: Finding[] = [];
    kept.add(key, siftKeys(entry(shape, key), spot, inside));
    // What the wrong word itself holds has had its say: another finding at the same value would count one mistake twice.
    findings.push(...inside.filter((finding) => finding.at !== spot.located.at));
  }
  return kept.spot(located);
}

function entry(shape: MappingShape, key: string): Shape {
  return unwrapped(shape.entries[key] as Shape);
}

function nameOf(kind: Kind, located: Located): string {
  if (kind === "file") return "the file";
  if (kind === "listener" || kind === "pool" || kind === "target") return `a ${kind}`;
  return formatPath(located.path.slice(-1)) === kind ? kind : `"${kind}"`;
}

function write(advice: ReturnType<typeof adviseKey>, keys: readonly string[], key: string): string {
  if (key === "<<") return "merge keys are not part of this language; put shared keys under defaults";
  if (advice.kind === "here") return advice.sure ? `write "${advice.key}"` : `did you mean "${advice.key}"?`;
  if (advice.kind === "elsewhere") return `write ${advice.where}`;
  return `the keys here are ${keys.join(", ")}`;
}

/** Builds a mapping and its places together. */
class Kept {
  readonly #value: { [key: string]: unknown } = Object.create(null);
  readonly #children = new Map<Step, Located>();

  has(key: string): boolean {
    return this.#children.has(key);
  }

  /** A value that was taken out keeps its place, so that nobody calls it missing. */
  add(key: string, spot: Spot): void {
    if (spot.value !== undefined) this.#value[key] = spot.value;
    this.#children.set(key, spot.located);
  }

  spot(located: Located): Spot {
    return { value: this.#value, located: { ...located, children: this.#children } };
  }
}
