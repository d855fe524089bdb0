/** Configurations for the scenarios. */

export interface YamlOptions {
  /** The addresses, or flow mappings, of the pool's targets. */
  readonly targets: readonly string[];
  /** Further keys of the pool, in flow style. */
  readonly pool?: string;
  /** Further keys of the listener, in flow style. */
  readonly listener?: string;
  readonly bind?: string;
  readonly process?: string;
  /** Further top-level lines. */
  readonly top?: string;
}

/** A listener `web` in front of a pool `app`. */
export function yaml(options: YamlOptions): string {
  const { targets, pool = "health: none", listener, bind = "127.0.0.1:0", top = "" } = options;
  const { process = "workers: 2, maxConnections: 2000" } = options;
  const addresses = targets.map((target) => target.startsWith("{") ? target : JSON.stringify(target)).join(
    ", ",
  );
  const more = (keys: string | undefined) => keys === undefined ? "" : `, ${keys}`;
  return `process: { ${process} }
${top}
listeners:
  web: { bind: ${JSON.stringify(bind)}, pool: app${more(listener)} }
pools:
  app: { targets: [${addresses}]${more(pool)} }
`;
}
