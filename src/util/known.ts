type Known = number | null | undefined;

/** The lesser of two figures, of which either may not be known; null for neither. */
export function leastOf(a: Known, b: Known): number | null {
  return a == null || b == null ? (a ?? b ?? null) : Math.min(a, b);
}

/** The greater of the two. */
export function mostOf(a: Known, b: Known): number | null {
  return a == null || b == null ? (a ?? b ?? null) : Math.max(a, b);
}
