import * as v from "./valibot.ts";
import { isMapping } from "../yaml/located.ts";
import type { ScalarShape } from "./scalars.ts";

/** The kinds of mapping of the language; each has its own keys. */
export type Kind =
  | "file"
  | "process"
  | "drain"
  | "admin"
  | "log"
  | "defaults"
  | "timeouts"
  | "listener"
  | "pool"
  | "target"
  | "health"
  | "expect"
  | "ejection"
  | "resolve"
  | "retry"
  | "queue";

/** Any schema of the language. */
export type Shape = v.GenericSchema;

/** A mapping with fixed keys. */
export type MappingShape<E extends v.ObjectEntries = v.ObjectEntries> = v.StrictObjectSchema<E, undefined> & {
  readonly kindOfMapping: Kind;
};

/** A mapping whose keys are names the operator gives. */
export type NamedShape<S extends Shape = Shape> = v.RecordSchema<v.StringSchema<undefined>, S, undefined>;

/** A list of at least one item; `example` is one as it is written. */
export type ListShape<S extends Shape = Shape> = v.ArraySchema<S, undefined> & { readonly example: string };

/** A value that may be written in two ways, chosen by what is found, so that mistakes keep their exact position. */
export type ChoiceShape<A extends Shape = Shape, B extends Shape = Shape> =
  & v.GenericSchema<unknown, v.InferOutput<A> | v.InferOutput<B>>
  & { readonly choice: readonly [A, B]; readonly pick: Pick };

type Pick = (found: unknown) => 0 | 1;

/** Makes a mapping with fixed keys; unknown keys, and values that are no mapping, are found before it is asked (`checkKeys`). */
export function mapping<const E extends v.ObjectEntries>(kind: Kind, entries: E): MappingShape<E> {
  return Object.assign(v.strictObject(entries), { kindOfMapping: kind });
}

/** Makes a mapping from names to values of one shape. */
export function named<S extends Shape>(shape: S): NamedShape<S> {
  return v.record(v.string(), shape);
}

/** Makes a list; `example` is one item as it is written. */
export function list<S extends Shape>(item: S, example: string): ListShape<S> {
  return Object.assign(v.array(item), { example });
}

/** A single item or a list of them. */
export function oneOrList<S extends Shape>(item: S, example: string): ChoiceShape<S, ListShape<S>> {
  return choice(item, list(item, example), (found) => (Array.isArray(found) ? 1 : 0));
}

/** A mapping, or a scalar that stands for it: the word none, or a short form. */
export function scalarOrMapping<A extends Shape, B extends Shape>(short: A, long: B): ChoiceShape<A, B> {
  return choice(short, long, (found) => (isMapping(found) ? 1 : 0));
}

function choice<A extends Shape, B extends Shape>(a: A, b: B, pick: Pick): ChoiceShape<A, B> {
  const options = [a, b] as const;
  const schema = v.lazy((found): v.GenericSchema<unknown, v.InferOutput<A> | v.InferOutput<B>> => {
    return options[pick(found)] as v.GenericSchema<unknown, v.InferOutput<A> | v.InferOutput<B>>;
  });
  return Object.assign(schema, { choice: options, pick });
}

/** Returns whether a shape is a mapping with fixed keys. */
export function isMappingShape(shape: Shape): shape is MappingShape {
  return "kindOfMapping" in shape;
}

/** Returns whether a shape is a mapping of names. */
export function isNamedShape(shape: Shape): shape is NamedShape {
  return shape.type === "record";
}

/** Returns whether a shape is a list. */
export function isListShape(shape: Shape): shape is ListShape {
  return shape.type === "array";
}

/** Returns whether a shape is a scalar. */
export function isScalarShape(shape: Shape): shape is ScalarShape<unknown> {
  return "read" in shape;
}

/** Returns whether a shape is a choice. */
export function isChoiceShape(shape: Shape): shape is ChoiceShape {
  return "choice" in shape;
}

/** Takes an optional shape out of its wrapping. */
export function unwrapped(shape: Shape): Shape {
  return shape.type === "optional" && "wrapped" in shape ? (shape.wrapped as Shape) : shape;
}
