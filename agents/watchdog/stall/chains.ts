import { CHAIN_PAIRS } from '../../../src/detectors/limits.ts';
import type { InterruptedStack } from '../../../src/protocol/thread-api.ts';
import type { ChainKind, Frame } from '../../../src/recording/types.ts';

/** This share of them must be of different calls; fewer in a chain, because one link proves it. */
const TURNED_SHARE = 0.75;
const TURNED_CHAIN_SHARE = 0.5;
/** Between two stacks the same call runs for at least a scheduler's tick; otherwise the thread had no core and they prove nothing. */
const LEAST_RAN_MS = 5;
/** This share of these must be of one chain: it has a beginning and an end, and may not fill the whole stall. */
const LINKED_SHARE = 0.75;
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

/** What called the code of a stack: a tick, a microtask, or anything else that the loop itself calls; null if nothing ran. */
export function callerOf(answer: Pick<InterruptedStack, 'asyncId'>, frames: readonly Frame[]): ChainKind | null {
  const running = frames.filter(({ awaits }) => !awaits);
  const outermost = running.at(-1);
  if (!outermost) return null;
  const ticks = running.find(({ file }) => file.startsWith('node:internal/process/task_queues'));
  if (ticks?.function === 'runNextTicks') return 'microtask';
  if (ticks) return ticks.line === microtaskLine ? 'microtask' : 'nexttick';
  // If no tick was pending, Node drains the microtasks without a frame of its own.
  return answer.asyncId === 0 && outermost.category !== 'node' ? 'microtask' : 'callbacks';
}

/**
 * Finds from the stacks of a stall whether it is one long call, a chain of short ones, each started by the one before,
 * or calls that the loop made one after the other: requests that arrived together are served in one turn.
 */
export function createChainWitness() {
  let last: InterruptedStack | null = null;
  let lastCpuMs: number | null = null;
  let pairs = 0;
  let linked = 0;
  let separate = 0;
  const callers: Record<ChainKind, number> = { microtask: 0, nexttick: 0, callbacks: 0 };
  return {
    /** `cpuMs`: the thread's CPU time so far, null if not known. */
    add(answer: InterruptedStack, frames: readonly Frame[], cpuMs: number | null): void {
      // It is the answer to another request: use the next one.
      if (answer.drains === undefined) return;
      const caller = callerOf(answer, frames);
      if (last) {
        const isSeparate = answer.drains !== last.drains;
        const isLinked = !isSeparate && isLink(answer, last, caller);
        const hasRun = cpuMs === null || lastCpuMs === null || cpuMs - lastCpuMs >= LEAST_RAN_MS;
        if (!isSeparate && !isLinked && !hasRun) return;
        pairs++;
        if (isSeparate) separate++;
        if (isLinked) linked++;
      }
      last = answer;
      lastCpuMs = cpuMs;
      if (caller) callers[caller]++;
    },
    /** null: one long call; undefined: too few stacks. */
    kind(): ChainKind | null | undefined {
      if (pairs < CHAIN_PAIRS) return undefined;
      const turned = linked + separate;
      const isChain = linked > 0 && linked >= turned * LINKED_SHARE;
      if (turned < pairs * (isChain ? TURNED_CHAIN_SHARE : TURNED_SHARE)) return null;
      if (!isChain) return 'callbacks';
      const { microtask, nexttick } = callers;
      return nexttick > 0 && nexttick >= (nexttick + microtask) * MAJORITY ? 'nexttick' : 'microtask';
    },
  };
}

/**
 * Whether what runs was queued by what ran before, or by what that had queued. The reaction that counts drains comes after all
 * microtasks that were queued before it. A tick names the call that queued it, which must not be older than what ran; no
 * microtask (0) can have queued it since, because then the queue would have been drained.
 */
function isLink(answer: InterruptedStack, before: InterruptedStack, caller: ChainKind | null): boolean {
  if (answer.turns !== before.turns) return true;
  const isOtherTick = caller === 'nexttick' && answer.asyncId !== before.asyncId;
  return isOtherTick && answer.triggerId !== 0 && answer.triggerId >= before.asyncId;
}

/**
 * Whether two stacks belong to different calls. Microtasks run between callbacks, but not between ticks: there each
 * has an id of its own.
 */
export function isOther(answer: InterruptedStack, before: InterruptedStack, caller: ChainKind | null): boolean {
  return answer.turns !== before.turns || (caller === 'nexttick' && answer.asyncId !== before.asyncId);
}
