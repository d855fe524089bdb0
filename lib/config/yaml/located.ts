import { extend, type Path, type Position, type Step } from "./position.ts";

/** Where one value of the file stands, and where the values inside it stand. */
export interface Located {
  /** Where the value begins. */
  readonly at: Position;
  /** Where its key begins; the same as `at` for an item of a list. */
  readonly keyAt: Position;
  /** The way to it in the words of the file, whatever the words should have been. */
  readonly path: Path;
  /** True when the key is a wrong word for the one it is filed under: it has its own diagnostic already. */
  readonly misnamed: boolean;
  /** What a quoted text that came from the environment would be without its quotes: `"${W}"` may be a number. */
  readonly unquoted: number | boolean | undefined;
  readonly children: ReadonlyMap<Step, Located>;
}

/** A value of the file with its position. */
export interface LocatedValue {
  readonly value: unknown;
  readonly located: Located;
}

/** What a finding is about: a position in the file and the path to it. */
export interface Subject {
  readonly at: Position;
  readonly path: Path;
}

/** A mapping of the file; made without a prototype, so that no key means more than itself. */
export type Mapping = { readonly [key: string]: unknown };

/** Returns whether a value is a mapping, and not a list, a scalar or nothing. */
export function isMapping(value: unknown): value is Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Walks down some steps as far as the file goes; undefined when one is missing. */
export function locate(from: Located | undefined, steps: readonly Step[]): Located | undefined {
  let here = from;
  for (const step of steps) here = here?.children.get(step);
  return here;
}

/** The subject of a finding about a key that is missing: its position is that of the key of the mapping. */
export function missingKey(located: Located, key: string): Subject {
  return { at: located.keyAt, path: extend(located.path, key) };
}
