import { quoted } from "../../values/printable.ts";
import { isProblem } from "../../values/problem.ts";
import type { Findings } from "../findings.ts";
import { describe } from "../language/describe.ts";
import type { ScalarProblem, ScalarShape } from "../language/scalars.ts";
import { NAME } from "../language/schema.ts";
import {
  isChoiceShape,
  isListShape,
  isMappingShape,
  isNamedShape,
  isScalarShape,
  type Kind,
  type ListShape,
  type MappingShape,
  type NamedShape,
  type Shape,
  unwrapped,
} from "../language/shape.ts";
import { type KeyAdvice, KeyAdviser } from "../language/suggestions.ts";
import { isMapping, type Located, type LocatedValue, type Mapping } from "../yaml/located.ts";
import type { Step } from "../yaml/position.ts";

/**
 * Checks a value of the file against a shape, key by key down to the scalars. Returns it without the keys that the shape does not
 * have and without values that should be mappings and are not; each of them is a finding. Wrong scalars are findings too and
 * stay in. A value under a wrong key is moved to the key that was probably meant, so that its contents are checked in the same run.
 */
export function checkKeys(shape: Shape, root: LocatedValue, findings: Findings): LocatedValue {
  return new KeyCheck(findings).check(shape, root);
}

class KeyCheck {
  readonly #findings: Findings;
  readonly #adviser = new KeyAdviser();

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  check(shape: Shape, found: LocatedValue): LocatedValue {
    // It could not be read, which is a finding already.
    if (found.value === undefined) return found;
    if (isChoiceShape(shape)) return this.check(shape.choice[shape.pick(found.value)], found);
    if (isListShape(shape)) return this.#list(shape, found);
    if (isScalarShape(shape)) return this.#scalar(shape, found);
    if (!isMappingShape(shape) && !isNamedShape(shape)) return found;
    const { value, located } = found;
    if (!isMapping(value)) {
      const nothing = value === null ? "nothing is written here" : `${describe(value)} is not a mapping`;
      this.#add(located, () => `${nothing}; write ${keysWanted(shape)}`);
      return { value: undefined, located };
    }
    return isNamedShape(shape) ? this.#names(shape, value, located) : this.#mapping(shape, value, located);
  }

  /** A wrong word for a key has its finding already, and what its value should look like depends on the right word. */
  #add(located: Located, message: () => string): void {
    if (!located.misnamed) this.#findings.add(located, message);
  }

  #list(shape: ListShape, { value, located }: LocatedValue): LocatedValue {
    if (!Array.isArray(value)) {
      this.#add(located, () => `${describe(value)} is not a list; write [${shape.example}]`);
      return { value, located };
    }
    const children = new Map<Step, Located>();
    const items = value.map((each, index) => {
      const item = this.check(shape.item, { value: each, located: located.children.get(index) ?? located });
      children.set(index, item.located);
      return item.value;
    });
    return { value: items, located: { ...located, children } };
  }

  #scalar(shape: ScalarShape<unknown>, { value, located }: LocatedValue): LocatedValue {
    const asNumber = shape.numeric && typeof located.unquoted === "number";
    const read = asNumber ? located.unquoted : value;
    const result = shape.read(read);
    if (!isProblem(result)) return { value: read, located };
    this.#add(located, () => `${(result as ScalarProblem).shown ?? describe(read)} ${result.problem}`);
    return { value, located };
  }

  #names(shape: NamedShape, value: Mapping, located: Located): LocatedValue {
    const builder = new MappingBuilder();
    for (const [name, each] of Object.entries(value)) {
      const child = located.children.get(name) ?? located;
      if (NAME.test(name)) builder.add(name, this.check(shape.value, { value: each, located: child }));
      else {
        this.#findings.add(
          { at: child.keyAt, path: child.path },
          () => `${quoted(name)} is not a name; ${nameForm(name)}`,
        );
      }
    }
    if (Object.keys(value).length === 0) {
      this.#add(located, () => `is empty; write ${keysWanted(shape)}`);
    }
    return builder.build(located);
  }

  #mapping(shape: MappingShape, value: Mapping, located: Located): LocatedValue {
    const keys = Object.keys(shape.entries);
    const builder = new MappingBuilder();
    const misnamed: [string, LocatedValue][] = [];
    for (const [key, each] of Object.entries(value)) {
      const child = located.children.get(key) ?? located;
      if (keys.includes(key)) {
        builder.add(key, this.check(entry(shape, key), { value: each, located: child }));
        continue;
      }
      const advice = this.#wrongKey(key, child, { shape, located });
      if (advice.kind === "here") {
        misnamed.push([advice.key, { value: each, located: { ...child, misnamed: true } }]);
      }
    }
    for (const [key, found] of misnamed) {
      if (Object.hasOwn(value, key) || builder.has(key)) continue;
      builder.add(key, this.check(entry(shape, key), found));
    }
    return builder.build(located);
  }

  #wrongKey(
    key: string,
    { keyAt, path }: Located,
    { shape, located }: { readonly shape: MappingShape; readonly located: Located },
  ): KeyAdvice {
    const kind = shape.kindOfMapping;
    const keys = Object.keys(shape.entries);
    // Advice compares the key with every word of the language: too much for the hundred-thousandth wrong one.
    const advice: KeyAdvice = this.#findings.isFull
      ? { kind: "unknown" }
      : this.#adviser.advise(key, kind, keys);
    this.#findings.add(
      { at: keyAt, path },
      () => `${quoted(key)} is not a key of ${nameOf(kind, located)}; ${fixOf(advice, keys, key)}`,
    );
    return advice;
  }
}

function keysWanted(shape: MappingShape | NamedShape): string {
  if (isNamedShape(shape)) return "NAME: { ... } for each";
  return `keys such as ${Object.keys(shape.entries).slice(0, 3).join(", ")}`;
}

function nameForm(name: string): string {
  if (name === "<<") return "merge keys are not part of this language; put shared keys under defaults";
  return "write a letter or digit first, then letters, digits, dots, underscores or hyphens, 64 at most";
}

function entry(shape: MappingShape, key: string): Shape {
  return unwrapped(shape.entries[key] as Shape);
}

function nameOf(kind: Kind, located: Located): string {
  if (kind === "file") return "the file";
  if (kind === "listener" || kind === "pool" || kind === "target") return `a ${kind}`;
  return located.path?.step === kind ? kind : `"${kind}"`;
}

function fixOf(advice: KeyAdvice, keys: readonly string[], key: string): string {
  if (key === "<<") return "merge keys are not part of this language; put shared keys under defaults";
  if (advice.kind === "here") return advice.sure ? `write "${advice.key}"` : `did you mean "${advice.key}"?`;
  if (advice.kind === "elsewhere") return `write ${advice.where}`;
  return `the keys here are ${keys.join(", ")}`;
}

/** Builds a mapping and the positions of its values together. */
class MappingBuilder {
  readonly #value: { [key: string]: unknown } = Object.create(null);
  readonly #children = new Map<Step, Located>();

  has(key: string): boolean {
    return this.#children.has(key);
  }

  /** A value that was taken out keeps its position, so that no check calls it missing. */
  add(key: string, { value, located }: LocatedValue): void {
    if (value !== undefined) this.#value[key] = value;
    this.#children.set(key, located);
  }

  build(located: Located): LocatedValue {
    return { value: this.#value, located: { ...located, children: this.#children } };
  }
}
