import { type JsonSchema, toJsonSchema } from "@valibot/to-json-schema";
import { isMapping, type Mapping } from "../yaml/located.ts";
import { builtIn } from "./built_in.ts";
import { file, NAME } from "./schema.ts";
import {
  isChoiceShape,
  isListShape,
  isMappingShape,
  isNamedShape,
  isScalarShape,
  mapping,
  type Shape,
  unwrapped,
} from "./shape.ts";
import * as v from "./valibot.ts";

/**
 * Makes the JSON Schema (draft 2020-12) of the configuration file from the schema that reads it, for editors.
 * It has keys, words, numbers, defaults; it accepts what only the program can check (references between keys, ports).
 */
export function jsonSchema(): object {
  const schema = toJsonSchema(forJson(file()), {
    target: "draft-2020-12",
    typeMode: "input",
    errorMode: "ignore",
    overrideSchema: ({ valibotSchema, jsonSchema }) => override(valibotSchema, jsonSchema),
  });
  return {
    $id: "https://json-schema.invalid/lb.yaml",
    title: "lb.yaml",
    ...withDefaults(schema, defaultsOfFile()),
    required: ["listeners", "pools"],
  };
}

/** The same language in schemas the converter can follow: choices as unions, every key optional, scalars with their JSON form. */
function forJson(shape: Shape): Shape {
  if (isMappingShape(shape)) {
    const entries: v.ObjectEntries = {};
    for (const [key, entry] of Object.entries(shape.entries)) {
      entries[key] = v.optional(forJson(unwrapped(entry as Shape)));
    }
    return mapping(shape.kindOfMapping, entries);
  }
  if (isNamedShape(shape)) return v.record(v.string(), forJson(shape.value));
  if (isListShape(shape)) return v.array(forJson(shape.item));
  if (isChoiceShape(shape)) return v.union(shape.choice.map(forJson));
  return isScalarShape(shape) ? Object.assign(v.unknown(), { json: shape.json }) : shape;
}

function override(schema: object, converted: JsonSchema): JsonSchema | undefined {
  if ("json" in schema) return withEnvironment(schema.json as JsonSchema);
  if ("type" in schema && schema.type === "array") return { ...converted, minItems: 1 };
  if ("type" in schema && schema.type === "record") {
    return { ...converted, propertyNames: { pattern: NAME.source }, minProperties: 1 };
  }
  return undefined;
}

/** Any scalar may hold a reference to the environment, whose value an editor cannot check. */
function withEnvironment({ description, ...scalar }: JsonSchema): JsonSchema {
  const form = { anyOf: [scalar, { type: "string", pattern: "\\$\\{" }] } as JsonSchema;
  return description === undefined ? form : { description, ...form };
}

function defaultsOfFile(): Mapping {
  const base = builtIn();
  const { timeouts, process, admin, log } = base;
  const target = { ...base.target };
  const pool = { ...base.pool, targets: { item: target }, timeouts };
  const listener = { ...base.listener, timeouts };
  return {
    version: 1,
    process,
    admin,
    log,
    defaults: { ...listener, ...pool },
    // A key that is left out of a listener or pool takes the value of `defaults`: the built-in one only if that is silent too.
    listeners: { item: listener },
    pools: { item: pool },
  };
}

function withDefaults(schema: JsonSchema, defaults: unknown): JsonSchema {
  if (!isMapping(defaults)) {
    return defaults === undefined ? schema : { ...schema, default: defaults as JsonSchema["default"] };
  }
  const inside = (each: JsonSchema | boolean): JsonSchema | boolean =>
    typeof each === "boolean" ? each : withDefaults(each, defaults);
  if (schema.anyOf !== undefined) return { ...schema, anyOf: schema.anyOf.map(inside) };
  const item = defaults["item"];
  if (typeof schema.additionalProperties === "object") {
    return { ...schema, additionalProperties: withDefaults(schema.additionalProperties, item) };
  }
  if (typeof schema.items === "object" && !Array.isArray(schema.items)) {
    return { ...schema, items: withDefaults(schema.items as JsonSchema, item) };
  }
  if (schema.properties === undefined) return schema;
  const properties = Object.entries(schema.properties).map(([key, each]) => {
    const value = Object.hasOwn(defaults, key) ? defaults[key] : undefined;
    return [key, typeof each === "boolean" ? each : withDefaults(each, value)];
  });
  return { ...schema, properties: Object.fromEntries(properties) };
}
