import { getHeapStatistics } from 'node:v8';
import type { RunningInventory } from '../../src/async-dump/inventory.ts';
import type { InventoryFiles } from '../../src/protocol/inventory.ts';
import type { DumpProgress, ThreadApi } from '../../src/protocol/thread-api.ts';
import { createSensor, guarded } from '../guard.ts';
import { load, monotonicMs, NativeError, NativeString, setImmediate, store, toJson } from '../primordials.ts';
import { OWN_WORK, type SharedMemory, Word } from '../shared-memory.ts';
import { openResources } from './open-resources.ts';
import { isStackEmpty } from './stack.ts';

/** One slice of asking: the thread is held up no longer than this at a time. */
const SLICE_MS = 60;
/** Moments in a row that V8 cannot tell a stack in, before the dump fails. */
const MAX_BUSY = 300;

const laterOn = setImmediate;

/** Loaded when it is first used: each built-in module that it needs would make every start 1 ms longer. */
const loadInventory = () =>
  require('../../src/async-dump/inventory.ts') as typeof import('../../src/async-dump/inventory.ts');

type DumpApi = Pick<ThreadApi, 'dumpEstimate' | 'beginDump' | 'beginSnapshot' | 'dump' | 'endDump' | 'resources'>;

/**
 * The part of the agent's API that `evdiag dump` goes through. Nothing of it exists before it is first used.
 *
 * The pieces of work are done between two turns of the loop where the thread gets there, and by interrupt where it does
 * not: V8 forgets in an interrupt which reaction runs, so that errors of that very turn would lack their `at async` lines.
 */
export function createDumpApi({ control }: SharedMemory): DumpApi {
  let files: InventoryFiles | null = null;
  let inventory: RunningInventory | null = null;
  let snapshotFile: string | null = null;
  let scheduled = false;
  let busy = 0;
  let progress: DumpProgress | null = null;

  const piece = (interrupts: boolean): void => {
    // A pause that we make is not the program's stall: as with a debugger. One that we interrupt is.
    const before = load(control, Word.Debugger);
    if (!interrupts) store(control, Word.Debugger, OWN_WORK);
    try {
      if (snapshotFile !== null)
        progress = { snapshot: { pauseMs: loadInventory().writeSnapshot(snapshotFile, monotonicMs) } };
      else if (!inventory) inventory = loadInventory().beginInventory({ ...(files && { files }), now: monotonicMs });
      else if (inventory.work(SLICE_MS)) progress = { inventory: inventory.result() };
      progress ??= { waits: false };
    } catch (error) {
      const later = isBusy(error) && ++busy < MAX_BUSY;
      progress = later ? { waits: true } : { problem: messageOf(error) };
    } finally {
      store(control, Word.Debugger, before);
    }
  };
  const isOver = (): boolean => progress !== null && !('waits' in progress);
  const atNextTurn = (): void => {
    if (scheduled) return;
    scheduled = true;
    laterOn(pieceAtTurn).unref();
  };
  const pieceAtTurn = guarded(createSensor('the pieces of a dump', true), () => {
    if (scheduled && !isOver()) piece(false);
    scheduled = false;
  });
  const end = (): void => {
    files = null;
    inventory = null;
    snapshotFile = null;
    busy = 0;
    scheduled = false;
    progress = null;
  };
  return {
    dumpEstimate: () => toJson({ heapBytes: getHeapStatistics().used_heap_size }),
    beginDump(wanted) {
      end();
      files = wanted;
    },
    beginSnapshot(file) {
      end();
      snapshotFile = file;
    },
    dump(now) {
      if (progress && isOver()) return toJson(progress);
      progress = null;
      if (now || isStackEmpty()) {
        scheduled = false;
        piece(now);
      } else atNextTurn();
      return toJson<DumpProgress>(progress ?? { waits: true });
    },
    endDump: end,
    resources: () => toJson(openResources()),
  };
}

function isBusy(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'EVDIAG_BUSY';
}

function messageOf(error: unknown): string {
  return error instanceof NativeError ? error.message : NativeString(error);
}
