import type { ChainKind, Frame } from '../../src/recording/types.ts';
import type { InterruptedStack } from '../shared-memory.ts';

/** Pairs of successive stacks that are needed to speak of a chain. */
const MIN_PAIRS = 2;
/** Of them, so many must have seen the microtask queue turn over in between. */
const TURNED_SHARE = 0.75;
const MAJORITY = 0.6;

/** The line within Node's `processTicksAndRejections` that drains the microtasks, of this very Node version. */
let microtaskLine = 0;

/** Looks the line up on this thread. */
export function calibrateChains(): void {
  process.nextTick(() => {
    Promise.resolve().then(() => {
      microtaskLine = callerLine();
    });
  });
}

function callerLine(): number {
  const line = new Error().stack?.split('\n').find((text) => text.includes('processTicksAndRejections'));
  return Number(/:(\d+):\d+\)?$/.exec(line ?? '')?.[1] ?? 0);
}

/** What called the code of a stack: a tick, a microtask, or anything else that the loop itself calls; null where nothing ran. */
export function callerOf(answer: Pick<InterruptedStack, 'asyncId'>, frames: readonly Frame[]): ChainKind | null {
  const running = frames.filter(({ awaits }) => !awaits);
  const outermost = running.at(-1);
  if (!outermost) return null;
  const ticks = running.find(({ file }) => file.startsWith('node:internal/process/task_queues'));
  if (ticks?.function === 'runNextTicks') return 'microtask';
  if (ticks) return ticks.line === microtaskLine ? 'microtask' : 'nexttick';
  // Where no tick was pending, Node drains the microtasks without a frame of its own.
  return answer.asyncId === 0 && outermost.category !== 'node' ? 'microtask' : 'callbacks';
}

/** Tells from the stacks of a stall whether it is one long call or a chain of short ones, and who calls them. */
export function createChainWitness() {
  let last: InterruptedStack | null = null;
  let pairs = 0;
  let turned = 0;
  const callers: Record<ChainKind, number> = { microtask: 0, nexttick: 0, callbacks: 0 };
  return {
    add(answer: InterruptedStack, frames: readonly Frame[]): void {
      const caller = callerOf(answer, frames);
      if (last) {
        pairs++;
        if (isOther(answer, last, caller)) turned++;
      }
      last = answer;
      if (caller) callers[caller]++;
    },
    /** null: one long call; undefined: too few stacks to tell. */
    kind(): ChainKind | null | undefined {
      if (pairs < MIN_PAIRS) return undefined;
      if (turned < pairs * TURNED_SHARE) return null;
      const total = callers.microtask + callers.nexttick + callers.callbacks;
      if (total === 0) return null;
      if (callers.microtask >= total * MAJORITY) return 'microtask';
      return callers.nexttick >= total * MAJORITY ? 'nexttick' : 'callbacks';
    },
  };
}

/**
 * Whether two stacks belong to different calls. Microtasks run between callbacks, but not between ticks: there each
 * has an id of its own.
 */
export function isOther(answer: InterruptedStack, before: InterruptedStack, caller: ChainKind | null): boolean {
  return answer.turns !== before.turns || (caller === 'nexttick' && answer.asyncId !== before.asyncId);
}
