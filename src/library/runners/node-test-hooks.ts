/** What `evdiag/node-test` does in a process of tests. */
import { createRequire, syncBuiltinESMExports } from 'node:module';
import type * as NodeTest from 'node:test';
import { type RunningTest, WatchedTests } from './watched-tests.ts';

/** Node's own frames are no program's: there is nothing else to leave out. */
const NONE = /(?!)/;

interface Context {
  name?: string;
  passed?: boolean;
  after?(fn: () => unknown): void;
  test?: (...args: unknown[]) => unknown;
}

/** A test, and how many of its subtests have not begun. */
interface Open extends RunningTest {
  announced: number;
}

let installed = false;

/** Called by the entries of the package. In the process that only runs others, nothing is done. */
export function installNodeTest(): void {
  if (installed || isRunnerOnly()) return;
  installed = true;
  const nodeTest = createRequire(import.meta.url)('node:test') as typeof NodeTest;
  const tests = new WatchedTests(NONE);
  const open = new Set<Open>();
  const suiteHooks = countSuiteHooks(nodeTest);
  nodeTest.beforeEach((context) => {
    const own = context as Context | undefined;
    // Without a context there is no end.
    if (typeof own?.after !== 'function') return;
    const parent = [...open].find(({ announced }) => announced > 0);
    if (parent) parent.announced--;
    const test: Open = Object.assign(tests.open(own.name ?? 'a test', parent !== undefined), { announced: 0 });
    open.add(test);
    announceSubtests(own, test);
    const finish = async (): Promise<void> => {
      open.delete(test);
      await tests.close(test, { passed: own.passed !== false, mayBeClosedLater: suiteHooks() > 0 });
    };
    // Hooks of the test itself are added while it runs, and called in their order: the one that is added meanwhile is the last.
    own.after(() => own.after!(finish));
  });
  const end = (): Promise<void> => tests.end();
  // Of the root, added when its hooks run: the last of them.
  nodeTest.after((root?: unknown) => (root as Context | undefined)?.after?.(end));
}

function isRunnerOnly(): boolean {
  const flags = process.execArgv.join(' ');
  const runsOthers = /--test( |=|$)/.test(flags) && !process.env.NODE_TEST_CONTEXT;
  return runsOthers && !/--(experimental-)?test-isolation[= ]none/.test(flags);
}

/** How many hooks for the end of a suite there are, beside our own: they may close what tests have left. */
function countSuiteHooks(nodeTest: typeof NodeTest): () => number {
  const { after } = nodeTest;
  let count = 0;
  const counting = function countedAfter(this: unknown, ...args: unknown[]): unknown {
    count++;
    return Reflect.apply(after, this, args);
  };
  Object.assign(nodeTest, { after: counting });
  syncBuiltinESMExports();
  return () => count - OWN_HOOKS;
}

/** Added at the start. */
const OWN_HOOKS = 1;

/** What `context.test` begins belongs to the test, and is no test that runs beside it. */
function announceSubtests(context: Context, test: Open): void {
  const { test: subtest } = context;
  if (typeof subtest !== 'function') return;
  context.test = (...args) => {
    test.announced++;
    return Reflect.apply(subtest, context, args);
  };
}
