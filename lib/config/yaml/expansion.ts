import type { Findings } from "../findings.ts";
import type { Located, LocatedValue } from "./located.ts";
import { MAX_DEPTH } from "./parser.ts";
import { extend, type Path, type Position, type Step } from "./position.ts";

/** A value of the file as written: an alias points at what it means and is not yet a copy of it. */
export type Part =
  | {
    readonly kind: "scalar";
    readonly value: unknown;
    /** As in `Located`. */
    readonly unquoted: number | boolean | undefined;
    readonly at: Position;
  }
  | { readonly kind: "list"; readonly items: readonly Part[]; readonly at: Position }
  | { readonly kind: "map"; readonly entries: readonly Entry[]; readonly at: Position }
  | { readonly kind: "alias"; readonly target: Part; readonly at: Position };

/** A key of a mapping with its value. */
export interface Entry {
  readonly key: string;
  readonly keyAt: Position;
  readonly value: Part;
}

const MAX_VALUES = 100_000;
const NO_CHILDREN: ReadonlyMap<Step, Located> = new Map();

/**
 * Replaces aliases by what they mean. A circle, more than 100,000 values or more than 100 levels are a finding at the alias that
 * made it, and undefined is returned.
 */
export function expand(part: Part, findings: Findings): LocatedValue | undefined {
  const expansion = new Expansion(findings);
  const root = expansion.build(part, part.at, { path: undefined, depth: 0 });
  return expansion.failed ? undefined : root;
}

interface Level {
  readonly path: Path;
  readonly depth: number;
}

class Expansion {
  /** Set by the first problem; it stops all further work. */
  failed = false;
  readonly #findings: Findings;
  #values = 0;
  /** What is being built now, from the root down: meeting one again is a circle. */
  readonly #open = new Set<Part>();
  /** The outermost alias that is being replaced. */
  #alias: Position | undefined = undefined;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  build(part: Part, keyAt: Position, level: Level): LocatedValue {
    const { path } = level;
    this.#values += 1;
    if (this.#values > MAX_VALUES) {
      this.#fail(part.at, path, "the file has more than 100,000 values; use fewer aliases");
    } else if (level.depth > MAX_DEPTH) {
      this.#fail(part.at, path, `values nest deeper than ${MAX_DEPTH} levels; flatten them`);
    } else if (this.#open.has(part)) {
      this.#fail(part.at, path, "the alias contains itself; write the value out");
    }
    if (part.kind === "alias" && !this.failed) return this.#replace(part, keyAt, level);
    const leaf = { at: part.at, keyAt, path, misnamed: false, unquoted: undefined, children: NO_CHILDREN };
    if (part.kind === "alias" || this.failed) return { value: null, located: leaf };
    if (part.kind === "scalar") return { value: part.value, located: { ...leaf, unquoted: part.unquoted } };
    this.#open.add(part);
    const children = new Map<Step, Located>();
    const value = part.kind === "list"
      ? this.#list(part.items, children, level)
      : this.#map(part.entries, children, level);
    this.#open.delete(part);
    return { value, located: { ...leaf, children } };
  }

  #replace(part: Part & { kind: "alias" }, keyAt: Position, level: Level): LocatedValue {
    const outer = this.#alias;
    this.#alias ??= part.at;
    const { value, located } = this.build(part.target, keyAt, level);
    this.#alias = outer;
    // The alias is where the value is used; what is inside the value stands at its anchor.
    return { value, located: { ...located, at: part.at } };
  }

  #list(items: readonly Part[], children: Map<Step, Located>, { path, depth }: Level): unknown[] {
    const list: unknown[] = [];
    for (const [index, item] of items.entries()) {
      if (this.failed) break;
      const built = this.build(item, item.at, { path: extend(path, index), depth: depth + 1 });
      list.push(built.value);
      children.set(index, built.located);
    }
    return list;
  }

  #map(entries: readonly Entry[], children: Map<Step, Located>, { path, depth }: Level): unknown {
    const map: { [key: string]: unknown } = Object.create(null);
    for (const { key, keyAt, value: part } of entries) {
      if (this.failed) break;
      const built = this.build(part, keyAt, { path: extend(path, key), depth: depth + 1 });
      map[key] = built.value;
      children.set(key, built.located);
    }
    return map;
  }

  #fail(at: Position, path: Path, message: string): void {
    if (!this.failed) this.#findings.add({ at: this.#alias ?? at, path }, () => message);
    this.failed = true;
  }
}
