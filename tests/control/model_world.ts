/** Models of configurations, without a balancer. */
import { type KnownName, type Model, modelOf } from "../../lib/control/model.ts";
import { configOf } from "./balancer_world.ts";

export interface ModelTraits {
  readonly generation?: number;
  /** What host names of targets stand for. */
  readonly names?: Readonly<Record<string, KnownName>>;
  /** What host names of binds stand for. */
  readonly bindNames?: Readonly<Record<string, readonly string[]>>;
}

/** The model of a configuration's text. */
export function modelFrom(
  text: string,
  { generation = 1, names = {}, bindNames = {} }: ModelTraits = {},
): Model {
  return modelOf(configOf(text), {
    generation,
    nameOf: (host) => names[host],
    bindAddressesOf: (host) => bindNames[host] ?? [],
  });
}

/** A configuration's text: listeners and pools in flow style, by default one of each. */
export function textOf(
  {
    top = "",
    listeners = `web: { bind: "127.0.0.1:80", pool: app }`,
    pools = `app: { targets: ["10.0.0.1:1"] }`,
  }: { readonly top?: string; readonly listeners?: string; readonly pools?: string } = {},
): string {
  return `${top}\nlisteners: { ${listeners} }\npools: { ${pools} }\n`;
}
