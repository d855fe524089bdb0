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

export type ServerName = typeof serverNames[number];

/** Whether the server is one that lb is compared with. */
export function isPeer(name: ServerName): boolean {
  return name.startsWith("haproxy") || name.startsWith("nginx");
}
