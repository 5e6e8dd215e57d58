/**
 * `evdiag/vitest`: fails a test that leaves something behind or blocks the event loop, and names the line.
 *
 * As a setup file: `setupFiles: ['evdiag/vitest']`. With options: `plugins: [evdiagVitest({ blockMs: 200 })]` in
 * vitest's configuration, or a call of `evdiagVitest({ … })` in a setup file of your own.
 */

import type { RunnerTestCase, RunnerTestSuite, TestRunner } from 'vitest';
import type { Location } from '../recording/types.ts';
import { formatMs } from '../util/text.ts';
import { libraryBundle } from './bundle.ts';
import { LeakError, placeText } from './leak-error.ts';
import { createIsMeant } from './meant.ts';
import type { Ignore, Leftover, Scope } from './types.ts';

export { LeakError } from './leak-error.ts';
export type { Ignore, Leftover } from './types.ts';

export interface EvdiagVitestOptions {
  /** A test may block the event loop so long at most, in milliseconds; 0: as long as it likes. Default 500. */
  blockMs?: number;
  /** How long leftovers of a test may take to end by themselves, in milliseconds. Default 500. */
  graceMs?: number;
  /** Leftovers that are meant to stay. Functions only in a setup file: the configuration is in another process. */
  ignore?: readonly Ignore[];
}

/** What vitest takes as a plugin. */
export interface EvdiagPlugin {
  name: string;
  config(): { test: { setupFiles: string[]; env: Record<string, string> } };
}

/** A test that kept the event loop from turning for longer than the limit. */
export class BlockedError extends Error {
  override readonly name = 'BlockedError';
  readonly durationMs: number;

  constructor(message: string, durationMs: number) {
    super(message);
    this.durationMs = durationMs;
  }
}

const SETTINGS = 'EVDIAG_VITEST';
const DEFAULTS = { blockMs: 500, graceMs: 500, ignore: [] } as const;
/** vitest's own code: what only it is on the stack of is its own. */
const VITESTS = /[\\/]node_modules[\\/](vitest|@vitest|vite|vite-node|tinypool|birpc)[\\/]/;

interface WorkerState {
  filepath?: string;
}

const workerState = (): WorkerState | undefined =>
  (globalThis as { __vitest_worker__?: WorkerState }).__vitest_worker__;

let options: Required<EvdiagVitestOptions> = { ...DEFAULTS };
let installed = false;

/**
 * In a setup file: sets the options, and watches the tests of the file. In vitest's configuration: returns a plugin that
 * adds the setup file with these options.
 */
export function evdiagVitest(wanted: EvdiagVitestOptions = {}): EvdiagPlugin {
  options = { ...DEFAULTS, ...wanted };
  return {
    name: 'evdiag',
    config: () => ({ test: { setupFiles: ['evdiag/vitest'], env: { [SETTINGS]: toText(wanted) } } }),
  };
}

if (workerState() && !installed) {
  installed = true;
  const settings = process.env[SETTINGS];
  if (settings) options = { ...DEFAULTS, ...fromText(settings) };
  await install();
}

interface Late {
  test: string;
  scope: Scope;
}

/** Watches each test of the file by hooks around it: the first to begin and the last to end. */
async function install(): Promise<void> {
  const vitest = await import('vitest');
  const bundle = libraryBundle();
  const late: Late[] = [];
  let stopBlocks = (): void => {};
  // Hooks into Node stay from test to test: open as long as the file runs.
  let whole: Scope | null = null;
  vitest.beforeAll(() => {
    whole = bundle.openScope('file');
    if (options.blockMs > 0) stopBlocks = bundle.startBlocks(options.blockMs);
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
        const left = await leftBehind(scope);
        scope.close();
        if (left.length > 0) throw leakError(`The test '${test}'`, left, ' after the last afterAll');
      }
    } finally {
      stopBlocks();
      whole?.close();
    }
  });
}

async function check(scope: Scope, task: RunnerTestCase, late: Late[], runner: HookReader): Promise<void> {
  // A test that failed leaves what it likes, and its own error is the one to be read.
  if (task.result?.state !== 'pass') return;
  const block = options.blockMs > 0 ? await scope.block() : null;
  if (block && block.durationMs >= options.blockMs) {
    const { durationMs, kind, location } = block;
    const limit = `limit ${formatMs(options.blockMs)}`;
    const message = `The test blocked the event loop for ${formatMs(durationMs)} (${limit}) · ${kind} · ${placeText(location)}`;
    throw pointingAt(location, new BlockedError(message, durationMs));
  }
  const left = await leftBehind(scope);
  if (left.length === 0) return;
  if (hasLaterCleanup(task, runner)) late.push({ test: task.name, scope });
  else throw leakError('The test', left, ` after ${formatMs(options.graceMs)} of grace`);
}

function leakError(...args: ConstructorParameters<typeof LeakError>): LeakError {
  return pointingAt(args[1][0]?.location ?? null, new LeakError(...args));
}

/** With the line at fault as its stack, of which vitest shows the source; ours would tell nothing. */
function pointingAt<E extends Error>(location: Location | null, error: E): E {
  const { function: name, file, line, column } = location ?? { function: '', file: '', line: 0, column: 0 };
  error.stack = `${error.name}: ${error.message}${location ? `\n    at ${name || '<anonymous>'} (${file}:${line}:${column})` : ''}`;
  return error;
}

type HookReader = Pick<typeof TestRunner, 'getSuiteHooks'>;

/** Whether an afterAll of the file or a suite around the test is still to run, besides ours: it may close what is left. */
function hasLaterCleanup(task: RunnerTestCase, runner: HookReader): boolean {
  let hooks = -1;
  for (let suite: RunnerTestSuite | undefined = task.suite ?? task.file; suite; suite = suite.suite) {
    hooks += runner.getSuiteHooks(suite).afterAll.length;
    if (suite === task.file) break;
    if (!suite.suite && task.file !== suite) hooks += runner.getSuiteHooks(task.file).afterAll.length;
  }
  return hooks > 0;
}

/** Options as text: the tests run in other processes. */
function toText({ ignore = [], ...rest }: EvdiagVitestOptions): string {
  const texts = ignore.map((one) => {
    if (typeof one === 'function')
      throw new TypeError('evdiag: a function in `ignore` cannot reach the processes of the tests: use a setup file.');
    return typeof one === 'string' ? one : { source: one.source, flags: one.flags };
  });
  return JSON.stringify({ ...rest, ignore: texts });
}

function fromText(text: string): EvdiagVitestOptions {
  const { ignore = [], ...rest } = JSON.parse(text) as {
    ignore?: (string | { source: string; flags: string })[];
    blockMs?: number;
    graceMs?: number;
  };
  return { ...rest, ignore: ignore.map((one) => (typeof one === 'string' ? one : new RegExp(one.source, one.flags))) };
}

async function leftBehind(scope: Scope): Promise<Leftover[]> {
  const isMeantOf = createIsMeant(options.ignore);
  const isMeant = (leftover: Leftover): boolean => VITESTS.test(leftover.location?.file ?? '') || isMeantOf(leftover);
  return (await scope.left(options.graceMs, isMeant)).filter((leftover) => !isMeant(leftover));
}
