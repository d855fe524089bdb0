import type { Step } from "./diagnostic.ts";
import type { Finding, Located, Place } from "./located.ts";

/** A value of the file as written: an alias points at what it means and is not yet a copy of it. */
export type Part =
  | { readonly kind: "scalar"; readonly value: unknown; readonly at: Place }
  | { readonly kind: "list"; readonly items: readonly Part[]; readonly at: Place }
  | { readonly kind: "map"; readonly entries: readonly Entry[]; readonly at: Place }
  | { readonly kind: "alias"; readonly target: Part; readonly at: Place };

/** A key of a mapping with its value. */
export interface Entry {
  readonly key: string;
  readonly keyAt: Place;
  readonly value: Part;
}

/** The value with every alias replaced, or the alias that makes it endless or too large. */
export type Expanded =
  | { readonly kind: "value"; readonly value: unknown; readonly root: Located }
  | { readonly kind: "problem"; readonly finding: Finding };

const MOST_VALUES = 200_000;
const DEEPEST = 100;

/** Replaces aliases by what they mean; a circle, more than 200,000 values or 100 levels are a problem at the alias that made it. */
export function expand(part: Part): Expanded {
  const expansion = new Expansion();
  const [value, root] = expansion.build(part, part.at, []);
  const finding = expansion.finding;
  return finding === undefined ? { kind: "value", value, root } : { kind: "problem", finding };
}

class Expansion {
  /** The first problem; set, it stops all further work. */
  finding: Finding | undefined = undefined;
  #values = 0;
  /** What is being built now, from the root down: meeting one again is a circle. */
  readonly #open = new Set<Part>();
  /** The outermost alias that is being replaced. */
  #alias: Place | undefined = undefined;

  build(part: Part, keyAt: Place, path: readonly Step[]): [unknown, Located] {
    this.#values += 1;
    if (this.#values > MOST_VALUES) {
      this.#stop(part.at, path, "the file has more than 200,000 values; use fewer aliases");
    } else if (path.length > DEEPEST) {
      this.#stop(part.at, path, `values nest deeper than ${DEEPEST} levels; flatten them`);
    } else if (this.#open.has(part)) {
      this.#stop(part.at, path, "the alias contains itself; write the value out");
    }
    if (this.finding !== undefined) return [null, leaf(part.at, keyAt, path)];
    if (part.kind === "alias") return this.#replace(part, keyAt, path);
    if (part.kind === "scalar") return [part.value, leaf(part.at, keyAt, path)];
    this.#open.add(part);
    const children = new Map<Step, Located>();
    const value = part.kind === "list"
      ? this.#list(part.items, children, path)
      : this.#map(part.entries, children, path);
    this.#open.delete(part);
    return [value, { at: part.at, keyAt, path, misnamed: false, children }];
  }

  #replace(part: Part & { kind: "alias" }, keyAt: Place, path: readonly Step[]): [unknown, Located] {
    const outer = this.#alias;
    this.#alias ??= part.at;
    const [value, located] = this.build(part.target, keyAt, path);
    this.#alias = outer;
    // The alias is where the value is used; what is inside the value stands at its anchor.
    return [value, { ...located, at: part.at }];
  }

  #list(items: readonly Part[], children: Map<Step, Located>, path: readonly Step[]): unknown[] {
    const list: unknown[] = [];
    for (const [index, item] of items.entries()) {
      if (this.finding !== undefined) break;
      const [value, located] = this.build(item, item.at, [...path, index]);
      list.push(value);
      children.set(index, located);
    }
    return list;
  }

  #map(entries: readonly Entry[], children: Map<Step, Located>, path: readonly Step[]): unknown {
    const map: { [key: string]: unknown } = Object.create(null);
    for (const { key, keyAt, value: part } of entries) {
      if (this.finding !== undefined) break;
      const [value, located] = this.build(part, keyAt, [...path, key]);
      map[key] = value;
      children.set(key, located);
    }
    return map;
  }

  #stop(at: Place, path: readonly Step[], message: string): void {
    this.finding = { at: this.#alias ?? at, path: path.slice(0, 8), message };
  }
}

function leaf(at: Place, keyAt: Place, path: readonly Step[]): Located {
  return { at, keyAt, path, misnamed: false, children: new Map() };
}
