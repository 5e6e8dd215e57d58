import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread, threadId, Worker } from 'node:worker_threads';
import type { Block } from '../../src/library/types.ts';
import { type InterruptedStack, LIBRARY_KEY, type ThreadApi } from '../../src/protocol/thread-api.ts';
import { callSites } from '../agent/stack.ts';
import { askInspection, createDebuggerUrl } from '../inspection.ts';
import { monotonicMs, toJson } from '../primordials.ts';
import { FRAME_LIMIT } from '../shared-memory.ts';
import { classify } from '../watchdog/stall/classify.ts';
import type { BlockMessage, BlockWatchData, RawBlock } from './block-watch.ts';
import { isNotOurs } from './leftovers.ts';
import { within } from './natives.ts';
import { open } from './open-scopes.ts';
import { toFrame } from './run-sources.ts';

const HEARTBEAT_MS = 10;
/** The other thread answers within two beats; a busy host may need more. */
const ANSWER_MS = 2000;
/** Blocks kept for the scopes that are open. */
const MAX_BLOCKS = 200;

interface Watch {
  users: number;
  blockMs: number;
  blocks: RawBlock[];
  ask(): Promise<void>;
  stop(): void;
}

/** What the other thread calls here; of a block, only where it is counts. */
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

/** Watches this thread from another one for silences of its loop of at least so many milliseconds. */
export function startBlocks(blockMs: number): () => void {
  try {
    watching ??= start(blockMs);
  } catch {
    // No worker threads here (the permission model): then nothing is known of blocks.
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

/** The longest silence in the scope, which began at `startMs`; null where there was none. */
export async function longestBlock(scopeId: number, startMs: number): Promise<Block | null> {
  const watch = watching;
  // A debugger stops the thread for as long as somebody reads.
  if (!watch || debuggerUrl() !== undefined || monotonicMs() - startMs < watch.blockMs) return null;
  await within(ANSWER_MS, watch.ask());
  const isOwn = ({ scope, startMs: from }: RawBlock): boolean =>
    scope === scopeId || (scope === 0 && open.count === 1 && from >= performance.timeOrigin + startMs);
  const own = watch.blocks.filter(isOwn);
  watch.blocks = watch.blocks.filter((block) => !isOwn(block));
  const longest = own.sort((a, b) => b.durationMs - a.durationMs)[0];
  if (!longest) return null;
  const frames = longest.frames.filter(isNotOurs).map(toFrame);
  return { durationMs: longest.durationMs, ...classify(frames) };
}

function start(blockMs: number): Watch {
  const histogram = monitorEventLoopDelay({ resolution: HEARTBEAT_MS });
  histogram.enable();
  const waiting: (() => void)[] = [];
  Object.defineProperty(globalThis, Symbol.for(LIBRARY_KEY), { value: threadApi, configurable: true });
  const data: BlockWatchData = {
    beats: histogram as unknown as BlockWatchData['beats'],
    blockMs,
    threadId: isMainThread ? 0 : threadId,
    inspection: askInspection(),
  };
  const worker = new Worker(join(__dirname, 'block-watch.cjs'), {
    workerData: data,
    execArgv: [],
    env: {},
    stdout: true,
    stderr: true,
    trackUnmanagedFds: false,
    name: 'evdiag blocks',
  } as ConstructorParameters<typeof Worker>[1]);
  const watch: Watch = {
    users: 0,
    blockMs,
    blocks: [],
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
      delete (globalThis as Record<symbol, unknown>)[Symbol.for(LIBRARY_KEY)];
    },
  };
  worker.on('message', (message: BlockMessage) => {
    if (message === 'answer') waiting.shift()?.();
    else if (watch.blocks.length < MAX_BLOCKS) watch.blocks.push(message);
  });
  // Without it, nothing blocks: tests go on.
  worker.on('error', () => {
    for (const resolve of waiting.splice(0)) resolve();
  });
  worker.unref();
  return watch;
}
