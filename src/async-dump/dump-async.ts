import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Inventory, InventoryFiles } from '../protocol/inventory.ts';
import { createFrameMapper, type FrameMapper } from '../recording/source-maps.ts';
import { loadedMap } from '../util/loaded-map.ts';
import type { AwaitCycle, CallGroup } from './dump.ts';
import { exactCalls } from './exact-calls.ts';
import { beginInventory } from './inventory.ts';
import { NativePromise } from './probe.ts';
import { quickCalls } from './quick-calls.ts';

/** Options of `dumpAsync`. */
export interface DumpAsyncOptions {
  /**
   * Count each call once, and find what would settle it and await cycles. This takes a heap snapshot: 0.5 s for a small
   * program, 50 ms per MB of heap, and a temporary file that can hold secrets while it is read. Otherwise promises are
   * counted, of which one call may have several, and calls that share a promise with others are missing.
   */
  exact?: boolean;
}

/** The suspended async calls of this thread. */
export interface AsyncDump {
  /** What the counts count. */
  counted: 'calls' | 'promises';
  /** Sum of all counts. */
  total: number;
  /** Equal calls together, the largest counts first. */
  suspended: CallGroup[];
  /** Calls that wait for each other; only looked for with `exact`. */
  cycles: AwaitCycle[];
  /** How long the thread was paused, in milliseconds. */
  pauseMs: number;
}

const laterOn = setImmediate;

/**
 * Finds the suspended async calls of this thread: function, `file:line:column` of the `await` and who awaits them.
 *
 * It needs no agent and installs no hooks. The call itself costs about 60 ms and 12 ms per MB of live heap, during which
 * the thread is paused. The call that awaits this dump is left out. Garbage is collected first: a call that nothing can
 * wake up any more is gone by then. Rejects with an Error if this version of Node does not support it.
 *
 * @example
 * const { suspended } = await dumpAsync();
 * for (const { count, file, line, awaits } of suspended) console.log(`${count} × ${file}:${line} ${awaits}`);
 */
export function dumpAsync({ exact = false }: DumpAsyncOptions = {}): Promise<AsyncDump> {
  // Between two turns of the loop: in the middle of a reaction, V8 would forget which one runs.
  const dump: Promise<AsyncDump> = new NativePromise<AsyncDump>((resolve, reject) => {
    laterOn(() => {
      try {
        resolve(exact ? takeExact(dump) : takeQuick(dump));
      } catch (error) {
        reject(error);
      }
    });
  });
  return dump;
}

function takeQuick(except: Promise<unknown>): AsyncDump {
  const inventory = beginInventory({ except });
  inventory.work(Number.POSITIVE_INFINITY);
  const { frames, groups, beyond, pauseMs, workMs } = inventory.result();
  const suspended = quickCalls(frames.map(createMapper()), groups);
  return { counted: 'promises', total: sum(suspended) + beyond, suspended, cycles: [], pauseMs: pauseMs + workMs };
}

async function takeExact(except: Promise<unknown>): Promise<AsyncDump> {
  const folder = mkdtempSync(join(tmpdir(), 'evdiag-dump-'));
  try {
    const files = { snapshot: join(folder, 'a.heapsnapshot'), index: join(folder, 'a.index') };
    const inventory = beginInventory({ files, except });
    return await read(inventory.result(), files);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function read({ frames, groups, pauseMs }: Inventory, files: InventoryFiles): Promise<AsyncDump> {
  const { calls, cycles } = await exactCalls(files, frames.map(createMapper()), groups, undefined, createMapper());
  return { counted: 'calls', total: sum(calls), suspended: calls, cycles, pauseMs };
}

const createMapper = (): FrameMapper => createFrameMapper((_path, url) => loadedMap(url));

function sum(groups: readonly { count: number }[]): number {
  return groups.reduce((total, { count }) => total + count, 0);
}
