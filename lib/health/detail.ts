/** Writes milliseconds the way lb.yaml does: `250ms`, `1s`, `1.5s`. */
export function duration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)}ms` : `${Math.round(ms / 100) / 10}s`;
}
