type Known = number | null | undefined;

/** The smaller of two figures, each of which may be unknown; null if both are. */
export function leastOf(a: Known, b: Known): number | null {
  return a == null || b == null ? (a ?? b ?? null) : Math.min(a, b);
}

/** The larger one. */
export function mostOf(a: Known, b: Known): number | null {
  return a == null || b == null ? (a ?? b ?? null) : Math.max(a, b);
}
