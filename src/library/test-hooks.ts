/** What `evdiag/vitest` does in the processes of the tests. The entries of the package call `install`. */

import type * as Vitest from 'vitest';
import type { RunnerTestCase, RunnerTestSuite, TestRunner } from 'vitest';
import { formatMs } from '../util/text.ts';
import { libraryBundle } from './bundle.ts';
import { leakError, leftBehind, throwIfBlocked } from './left-by-test.ts';
import { DEFAULTS, type EvdiagTestOptions, fromText, toText } from './test-options.ts';
import type { Scope } from './types.ts';

const SETTINGS = 'EVDIAG_VITEST';
/** vitest's own code: things made with only this on the stack are vitest's. */
const VITESTS = /[\\/]node_modules[\\/](vitest|@vitest|vite|vite-node|tinypool|birpc)[\\/]/;

let options: Required<EvdiagTestOptions> = { ...DEFAULTS };
let installed = false;

export function setOptions(wanted: EvdiagTestOptions): void {
  options = { ...DEFAULTS, ...wanted };
}

/** The environment that hands options to the processes of the tests. */
export function settingsOf(wanted: EvdiagTestOptions): Record<string, string> {
  return { [SETTINGS]: toText(wanted) };
}

/** Called by the entries of the package (`dist/vitest.js`, `dist/vitest.cjs`), in a process of tests. */
export function install(vitest: Pick<typeof Vitest, 'beforeAll' | 'aroundEach' | 'afterAll' | 'TestRunner'>): void {
  if (installed) return;
  installed = true;
  const settings = process.env[SETTINGS];
  if (settings) setOptions(fromText(settings));
  watchTests(vitest);
}

interface Late {
  test: string;
  scope: Scope;
}

/** Watches each test of the file by hooks around it: the first to begin and the last to end. */
function watchTests(vitest: Parameters<typeof install>[0]): void {
  const bundle = libraryBundle();
  const late: Late[] = [];
  let stopStalls = (): void => {};
  // Hooks into Node stay from test to test: open as long as the file runs.
  let whole: Scope | null = null;
  vitest.beforeAll(() => {
    whole = bundle.openScope('file');
    if (options.stallMs > 0) stopStalls = bundle.startStalls(options.stallMs);
  });
  vitest.aroundEach(async (runTest, { task }) => {
    const scope = bundle.openScope(task.name);
    try {
      await scope.run(runTest);
      await check(scope, task, late, vitest.TestRunner);
    } finally {
      if (!late.some((one) => one.scope === scope)) scope.close();
    }
  });
  vitest.afterAll(async () => {
    try {
      for (const { test, scope } of late.splice(0)) {
        const left = await leftBehind(scope, options, VITESTS);
        scope.close();
        if (left.length > 0) throw leakError(`The test '${test}'`, left, ' after the last afterAll');
      }
    } finally {
      stopStalls();
      whole?.close();
    }
  });
}

async function check(scope: Scope, task: RunnerTestCase, late: Late[], runner: HookReader): Promise<void> {
  // What a failed test leaves is not reported: its own error matters.
  if (task.result?.state !== 'pass') return;
  await throwIfBlocked(scope, options);
  const left = await leftBehind(scope, options, VITESTS);
  if (left.length === 0) return;
  if (hasLaterCleanup(task, runner)) late.push({ test: task.name, scope });
  else throw leakError('The test', left, ` after a grace period of ${formatMs(options.graceMs)}`);
}

type HookReader = Pick<typeof TestRunner, 'getSuiteHooks'>;

/** Whether another afterAll of the file or of a suite around the test will still run: it may close what is left. */
function hasLaterCleanup(task: RunnerTestCase, runner: HookReader): boolean {
  let hooks = -1;
  for (let suite: RunnerTestSuite | undefined = task.suite ?? task.file; suite; suite = suite.suite) {
    hooks += runner.getSuiteHooks(suite).afterAll.length;
    if (suite === task.file) break;
    if (!suite.suite && task.file !== suite) hooks += runner.getSuiteHooks(task.file).afterAll.length;
  }
  return hooks > 0;
}
