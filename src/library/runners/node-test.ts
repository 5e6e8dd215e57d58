/**
 * `evdiag/node-test`: `node --import evdiag/node-test --test` fails tests that leave something behind or block the event loop.
 */
import type { EvdiagTestOptions } from '../test-options.ts';
import { setOptions } from './watched-tests.ts';

export { BlockedError } from '../blocked-error.ts';
export { LeakError } from '../leak-error.ts';
export type { EvdiagTestOptions } from '../test-options.ts';
export type { Ignore, Leftover } from '../types.ts';

/** Sets the options, in a file that is loaded before the tests. */
export function evdiagNodeTest(options: EvdiagTestOptions): void {
  setOptions(options);
}
