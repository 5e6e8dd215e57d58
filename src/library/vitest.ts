/**
 * `evdiag/vitest`: fails a test that leaves something behind or blocks the event loop, and names the line.
 *
 * As a setup file: `setupFiles: ['evdiag/vitest']`. With options: `plugins: [evdiagVitest({ stallMs: 200 })]` in
 * vitest's configuration, or a call of `evdiagVitest({ … })` in a setup file of your own.
 */

import { setOptions, settingsOf } from './test-hooks.ts';
import type { EvdiagTestOptions as EvdiagVitestOptions } from './test-options.ts';

export { BlockedError } from './blocked-error.ts';
export { LeakError } from './leak-error.ts';
export type { EvdiagTestOptions as EvdiagVitestOptions } from './test-options.ts';
export type { Ignore, Leftover } from './types.ts';

/** What vitest takes as a plugin. */
export interface EvdiagPlugin {
  name: string;
  config(): { test: { setupFiles: string[]; env: Record<string, string> } };
}

/**
 * In a setup file: sets the options, and watches the tests of the file. In vitest's configuration: returns a plugin that
 * adds the setup file with these options.
 */
export function evdiagVitest(wanted: EvdiagVitestOptions = {}): EvdiagPlugin {
  setOptions(wanted);
  return {
    name: 'evdiag',
    config: () => ({ test: { setupFiles: ['evdiag/vitest'], env: settingsOf(wanted) } }),
  };
}
