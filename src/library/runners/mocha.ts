/** `evdiag/mocha`: `mocha --require evdiag/mocha` fails tests that leave something behind or block the event loop. */
import type { EvdiagTestOptions } from '../test-options.ts';
import { type RunningTest, setOptions, WatchedTests } from './watched-tests.ts';

export { BlockedError } from '../blocked-error.ts';
export { LeakError } from '../leak-error.ts';
export type { EvdiagTestOptions } from '../test-options.ts';
export type { Ignore, Leftover } from '../types.ts';

/** Sets the options, in a file that is loaded by --require. */
export function evdiagMocha(options: EvdiagTestOptions): void {
  setOptions(options);
}

const MOCHAS = /[\\/]node_modules[\\/](mocha|yargs|workerpool)[\\/]/;

interface Hook {
  fn: unknown;
}
interface Suite {
  parent?: Suite;
  _afterEach?: Hook[];
  _afterAll?: Hook[];
}
interface Runner {
  fail(test: object, error: unknown, force: boolean): void;
}
interface HookContext {
  timeout(ms: number): void;
  test?: { parent?: Suite };
  currentTest?: { title: string; state?: string; parent?: Suite };
}

const tests = new WatchedTests(MOCHAS);
let running: RunningTest | null = null;
let runner: Runner | null = null;

/** Called by mocha with its runner; not in the processes of `--parallel`. */
export function mochaGlobalSetup(this: Partial<Runner> | undefined): void {
  if (typeof this?.fail === 'function') runner = this as Runner;
}

async function check(this: HookContext): Promise<void> {
  this.timeout(0);
  const test = running;
  running = null;
  const current = this.currentTest;
  if (!test) return;
  try {
    await tests.close(test, {
      passed: current?.state !== 'failed',
      mayBeClosedLater: hasAfterAll(current?.parent),
    });
  } catch (error) {
    // A hook that fails would end the run.
    if (!runner || !current) throw error;
    runner.fail(current, error, true);
  }
}

async function end(this: HookContext): Promise<void> {
  this.timeout(0);
  await tests.end();
}

/** What mocha takes of a file that it loads by --require. */
export const mochaHooks = {
  beforeAll(this: HookContext): void {
    tests.begin();
    const root = this.test?.parent;
    last(root?._afterEach);
    last(root?._afterAll);
  },
  beforeEach(this: HookContext): void {
    running = tests.open(this.currentTest?.title ?? 'a test');
  },
  afterEach: check,
  afterAll: end,
};

/** Hooks of the root run in the order in which they were added, and those of --require come first. */
function last(hooks: Hook[] | undefined): void {
  if (Array.isArray(hooks)) hooks.sort((a, b) => Number(isOwn(a)) - Number(isOwn(b)));
}

function isOwn({ fn }: Hook): boolean {
  return fn === check || fn === end;
}

function hasAfterAll(from: Suite | undefined): boolean {
  for (let suite = from; suite; suite = suite.parent) {
    if (suite._afterAll?.some((hook) => !isOwn(hook))) return true;
  }
  return false;
}
