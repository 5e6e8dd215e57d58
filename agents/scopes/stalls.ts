import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { runInThisContext } from 'node:vm';
import { isMainThread, threadId, Worker } from 'node:worker_threads';
import type { Stall } from '../../src/library/types.ts';
import { type InterruptedStack, LIBRARY_KEY, type ThreadApi } from '../../src/protocol/thread-api.ts';
import { callSites } from '../agent/stack.ts';
import { askInspection, createDebuggerUrl } from '../inspection.ts';
import { monotonicMs, toJson } from '../primordials.ts';
import { FRAME_LIMIT } from '../shared-memory.ts';
import { classify } from '../watchdog/stall/classify.ts';
import { isNotOurs } from './leftovers.ts';
import { within } from './natives.ts';
import { open } from './open-scopes.ts';
import { toFrame } from './run-sources.ts';
import type { RawStall, StallMessage, StallWatchData } from './stall-watch.ts';

const HEARTBEAT_MS = 10;
/** The other thread answers within two beats; a busy host may need more. */
const ANSWER_MS = 10_000;
/** Stalls kept for the scopes that are open. */
const MAX_STALLS = 200;

interface Watch {
  users: number;
  stallMs: number;
  stalls: RawStall[];
  ask(): Promise<void>;
  stop(): void;
}

/** What the other thread calls here; only the place of a stall is needed. */
const threadApi: Pick<ThreadApi, 'stack'> = {
  stack: () =>
    toJson<InterruptedStack>({
      scope: open.currentId(),
      frames: callSites(FRAME_LIMIT),
      ...{ count: 0, turns: 0, asyncId: 0, triggerId: 0, idleMs: 0 },
    }),
};

const debuggerUrl = createDebuggerUrl();
let watching: Watch | null = null;

/** Watches this thread from another one for stalls of its loop of at least this many milliseconds. */
export function startStalls(stallMs: number): () => void {
  try {
    watching ??= start(stallMs);
  } catch {
    // No worker threads here (the permission model): then nothing is known of stalls.
    return () => {};
  }
  watching.users++;
  let stopped = false;
  return () => {
    if (stopped || !watching) return;
    stopped = true;
    if (--watching.users > 0) return;
    watching.stop();
    watching = null;
  };
}

/** The longest stall in the scope, which began at `startMs`; null if there was none. */
export async function longestStall(scopeId: number, startMs: number): Promise<Stall | null> {
  const watch = watching;
  // A debugger stops the thread for as long as somebody reads.
  if (!watch || debuggerUrl() !== undefined || monotonicMs() - startMs < watch.stallMs) return null;
  await within(ANSWER_MS, watch.ask());
  const isOwn = ({ scope, startMs: from }: RawStall): boolean =>
    scope === scopeId || (scope === 0 && open.count === 1 && from >= performance.timeOrigin + startMs);
  const own = watch.stalls.filter(isOwn);
  watch.stalls = watch.stalls.filter((stall) => !isOwn(stall));
  const longest = own.sort((a, b) => b.durationMs - a.durationMs)[0];
  if (!longest) return null;
  const frames = longest.frames.filter(isNotOurs).map(toFrame);
  return { durationMs: longest.durationMs, ...classify(frames) };
}

function start(stallMs: number): Watch {
  const histogram = monitorEventLoopDelay({ resolution: HEARTBEAT_MS });
  histogram.enable();
  const waiting: (() => void)[] = [];
  // Test runners have global objects of their own; the thread is asked in Node's.
  const global = runInThisContext('globalThis') as Record<symbol, unknown>;
  Object.defineProperty(global, Symbol.for(LIBRARY_KEY), { value: threadApi, configurable: true });
  const data: StallWatchData = {
    beats: histogram as unknown as StallWatchData['beats'],
    stallMs,
    threadId: isMainThread ? 0 : threadId,
    inspection: askInspection(),
  };
  const worker = new Worker(join(__dirname, 'stall-watch.cjs'), {
    workerData: data,
    execArgv: [],
    env: {},
    stdout: true,
    stderr: true,
    trackUnmanagedFds: false,
    name: 'evdiag stalls',
  } as ConstructorParameters<typeof Worker>[1]);
  const watch: Watch = {
    users: 0,
    stallMs,
    stalls: [],
    ask() {
      return new Promise((resolve) => {
        waiting.push(resolve);
        worker.postMessage('ask');
      });
    },
    stop() {
      void worker.terminate();
      histogram.disable();
      for (const resolve of waiting.splice(0)) resolve();
      delete global[Symbol.for(LIBRARY_KEY)];
    },
  };
  worker.on('message', (message: StallMessage) => {
    if (message === 'answer') waiting.shift()?.();
    else if (watch.stalls.length < MAX_STALLS) watch.stalls.push(message);
  });
  // Without it no stall is seen: tests go on.
  worker.on('error', () => {
    for (const resolve of waiting.splice(0)) resolve();
  });
  worker.unref();
  return watch;
}
