/**
 * `evdiag/jest`: `setupFilesAfterEnv: ['evdiag/jest']` in jest's configuration fails tests that leave something behind or block the event
 * loop.
 */
import type { EvdiagTestOptions } from '../test-options.ts';
import { setOptions } from './watched-tests.ts';

export { BlockedError } from '../blocked-error.ts';
export { LeakError } from '../leak-error.ts';
export type { EvdiagTestOptions } from '../test-options.ts';
export type { Ignore, Leftover } from '../types.ts';

/** Sets the options, in a setup file of your own. */
export function evdiagJest(options: EvdiagTestOptions): void {
  setOptions(options);
}
