import type { ProfileUnit } from './types.ts';

/** Units as pprof and speedscope name them: ours, and what to multiply by. */
export const UNITS: ReadonlyMap<string, readonly [unit: ProfileUnit, factor: number]> = new Map([
  ['nanoseconds', ['us', 1e-3]],
  ['microseconds', ['us', 1]],
  ['milliseconds', ['us', 1e3]],
  ['seconds', ['us', 1e6]],
  ['bytes', ['bytes', 1]],
]);
