/** Who is measured. */

/** The physical limit, both engines of lb, and the peers in defaults and tuned. */
export const serverNames = [
  "direct",
  "lb-linux",
  "lb-portable",
  "haproxy",
  "haproxy-tuned",
  "nginx",
  "nginx-tuned",
] as const;

/** A server that every run can have. */
export type FixedName = typeof serverNames[number];

/** lb on one engine. */
export type LbName = "lb-linux" | "lb-portable";

/** Whoever is measured; `lb-linux-NAME` is the program that `--lb NAME=PATH` named. */
export type ServerName = FixedName | `${LbName}-${string}`;

/** Whether the server is one that lb is compared with. */
export function isPeer(name: ServerName): boolean {
  return name.startsWith("haproxy") || name.startsWith("nginx");
}

/** Which engine runs under this name, and which program by the name that the command line gave it; undefined for a peer. */
export function lbOf(
  name: ServerName,
): { readonly engine: "linux" | "portable"; readonly program: string | undefined } | undefined {
  const [, engine, program] = /^lb-(linux|portable)(?:-(.*))?$/.exec(name) ?? [];
  return engine === undefined ? undefined : { engine: engine as "linux" | "portable", program };
}

/** All who are measured: behind each engine that was chosen, the same engine of each further program. */
export function contenders(chosen: readonly FixedName[], programs: readonly string[]): ServerName[] {
  return chosen.flatMap((name): ServerName[] =>
    name === "lb-linux" || name === "lb-portable"
      ? [name, ...programs.map((program) => `${name}-${program}` as const)]
      : [name]
  );
}
