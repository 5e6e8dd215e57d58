import type { Started } from './sites.ts';

/** From now on it counts as one. */
export function lighten(started: Started): void {
  lightenBy(started, started.weight - 1);
}

/** So many of those for which it stands are followed themselves. */
export function lightenBy(started: Started, less: number): void {
  const { site } = started;
  site.created -= less;
  site.alive -= less;
  started.weight -= less;
  site.changed = true;
}
