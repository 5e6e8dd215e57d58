/** What `evdiag/jest` does in a file of tests. */
import { type RunningTest, WatchedTests } from './watched-tests.ts';

const JESTS = /[\\/]node_modules[\\/](jest|@jest|jest-[\w-]+|expect|babel-jest|pretty-format)[\\/]/;

interface Hook {
  type: string;
  fn: unknown;
}
interface Block {
  hooks: Hook[];
  parent?: Block;
}
/** What jest-circus keeps of a file. */
interface State {
  rootDescribeBlock: Block;
  currentlyRunningTest?: { name: string; errors: unknown[]; parent: Block } | null;
}
type JestGlobals = Record<
  'beforeAll' | 'beforeEach' | 'afterEach' | 'afterAll',
  (fn: () => unknown, ms?: number) => void
>;

/** Far more than the grace period. */
const HOOK_MS = 120_000;

/** Called by the entries of the package, in the file's own global scope. Outside of jest nothing is done. */
export function installJest(globals: Partial<JestGlobals> & object): void {
  const { beforeAll, beforeEach, afterEach, afterAll } = globals;
  if (!beforeAll || !beforeEach || !afterEach || !afterAll) return;
  const tests = new WatchedTests(JESTS);
  let running: RunningTest | null = null;
  const state = (): State | undefined => stateOf(globals);
  const check = async (): Promise<void> => {
    const test = running;
    running = null;
    const current = state()?.currentlyRunningTest;
    if (!test) return;
    await tests.close(test, {
      passed: (current?.errors.length ?? 0) === 0,
      mayBeClosedLater: current ? hasHook(current.parent, 'afterAll', end) : true,
    });
  };
  const end = (): Promise<void> => tests.end();
  keepLast(state()?.rootDescribeBlock.hooks, [check, end]);
  beforeAll(() => tests.begin());
  beforeEach(() => {
    running = tests.open(state()?.currentlyRunningTest?.name ?? 'a test');
  });
  afterEach(check, HOOK_MS);
  afterAll(end, HOOK_MS);
}

function stateOf(globals: object): State | undefined {
  const symbol = Object.getOwnPropertySymbols(globals).find(({ description }) => description === 'JEST_STATE_SYMBOL');
  return symbol && (globals as Record<symbol, State>)[symbol];
}

/**
 * Hooks of one block run in the order in which they were added, and a setup file adds its own first. Which there are at the end of the file
 * is read before any of them runs, so ours are moved whenever another one is added.
 */
function keepLast(hooks: Hook[] | undefined, own: readonly unknown[]): void {
  if (!Array.isArray(hooks)) return;
  Object.defineProperty(hooks, 'push', {
    configurable: true,
    writable: true,
    value(...added: Hook[]): number {
      const length = Array.prototype.push.apply(hooks, added);
      hooks.sort((a, b) => Number(own.includes(a.fn)) - Number(own.includes(b.fn)));
      return length;
    },
  });
}

function hasHook(from: Block, type: string, own: unknown): boolean {
  for (let block: Block | undefined = from; block; block = block.parent) {
    if (block.hooks.some((hook) => hook.type === type && hook.fn !== own)) return true;
  }
  return false;
}
