import type { Method, Target } from './types.ts';

/** Raises or lowers the level of all threads: `{ level }`. */
export function setLevel(target: Target): Method<'set-level'> {
  return ({ level }) => {
    if (level !== 'watch' && level !== 'diagnose') throw new Error("The level is 'watch' or 'diagnose'.");
    target.setLevel(level);
    return {};
  };
}
