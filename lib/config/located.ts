import type { Step } from "./diagnostic.ts";

/** A place in the file; both numbers are 1-based. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Where one value of the file stands, and where the values inside it stand. */
export interface Located {
  /** Where the value begins. */
  readonly at: Place;
  /** Where its key begins; the same as `at` for an item of a list. */
  readonly keyAt: Place;
  /** The way to it in the words of the file, whatever the words should have been. */
  readonly path: readonly Step[];
  /** True when the key is a wrong word for the one it is filed under: it has its own diagnostic already. */
  readonly misnamed: boolean;
  readonly children: ReadonlyMap<Step, Located>;
}

/** A mistake at a place, before it has a file name. */
export interface Finding {
  readonly at: Place;
  readonly path: readonly Step[];
  readonly message: string;
}

/** A mapping of the file; made without a prototype, so that no key means more than itself. */
export type Mapping = { readonly [key: string]: unknown };

/** Tells a mapping from lists, scalars and nothing. */
export function isMapping(value: unknown): value is Mapping {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Walks down a path as far as the file goes; undefined when a step is missing. */
export function locate(from: Located | undefined, path: readonly Step[]): Located | undefined {
  let here = from;
  for (const step of path) here = here?.children.get(step);
  return here;
}

/** Walks down a path as far as the file goes and returns the last place that exists. */
export function locateNearest(from: Located, path: readonly Step[]): Located {
  let here = from;
  for (const step of path) {
    const next = here.children.get(step);
    if (next === undefined) return here;
    here = next;
  }
  return here;
}
