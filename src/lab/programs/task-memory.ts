import { readFileSync } from 'node:fs';
import type { Figures } from '../types.ts';
import type { Program } from './types.ts';
import { answerOf, startWorker } from './worker.ts';

/** Bytes of one of `count` that are there at the same time; a process measures itself. */
export const taskMemory: Program = async (way, { count = 1 }) => {
  switch (way) {
    case 'promise':
      return heapPerOne(count, () => new Promise(() => {}));
    case 'suspended-call': {
      const never = new Promise(() => {});
      return heapPerOne(count, () => suspended(never));
    }
    case 'worker':
      return residentPerWorker(count);
    case 'process':
      collect();
      return { bytes: ownBytes(), count };
    default:
      throw new Error(`there is no way ${way}`);
  }
};

/** Waits with nothing but what V8 needs for it. */
async function suspended(never: Promise<unknown>): Promise<void> {
  await never;
}

function heapPerOne(count: number, make: () => unknown): Figures {
  // The list is as long before as after.
  const kept: unknown[] = Array.from({ length: count }, () => null);
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < count; i++) kept[i] = make();
  collect();
  const bytes = (process.memoryUsage().heapUsed - before) / count;
  if (kept.length !== count) throw new Error('some are missing');
  return { bytes, count };
}

/** Heap, stack and what else a thread needs are outside of this thread's heap. */
async function residentPerWorker(count: number): Promise<Figures> {
  collect();
  const before = process.memoryUsage.rss();
  const workers = Array.from({ length: count }, () => startWorker({ kind: 'idle' }));
  await Promise.all(workers.map(answerOf));
  return { bytes: Math.max(0, process.memoryUsage.rss() - before) / count, count };
}

/** Without what it shares with other processes of Node, where Linux tells; else all that is resident. */
function ownBytes(): number {
  try {
    const text = readFileSync('/proc/self/smaps_rollup', 'utf8');
    const parts = [...text.matchAll(/^Private_(?:Clean|Dirty): +(\d+) kB$/gm)];
    if (parts.length === 2) return parts.reduce((sum, [, kilobytes]) => sum + Number(kilobytes) * 1024, 0);
  } catch {
    // Not Linux, or /proc is restricted.
  }
  return process.memoryUsage.rss();
}

/** By --expose-gc. Twice: the first one may leave what finalizers held. */
function collect(): void {
  globalThis.gc?.();
  globalThis.gc?.();
}
