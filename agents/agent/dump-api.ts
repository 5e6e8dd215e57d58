import type { RunningInventory } from '../../src/async-dump/inventory.ts';
import type { InventoryFiles } from '../../src/protocol/inventory.ts';
import type { DumpProgress, ThreadApi } from '../../src/protocol/thread-api.ts';
import { builtIn } from '../built-in.ts';
import { createSensor, guarded } from '../guard.ts';
import { load, monotonicMs, NativeError, NativeString, setImmediate, store, toJson } from '../primordials.ts';
import { OWN_WORK, type SharedMemory, Word } from '../shared-memory.ts';
import { isStackEmpty } from './stack.ts';

/** One slice of asking: the thread is blocked no longer than this at a time. */
const SLICE_MS = 60;
/** Attempts in a row in which V8 cannot make a stack, before the dump fails. */
const MAX_BUSY = 300;

const laterOn = setImmediate;

/** Loaded when it is first used: each built-in module that it needs would make every start 1 ms longer. */
const loadInventory = () =>
  require('../../src/async-dump/inventory.ts') as typeof import('../../src/async-dump/inventory.ts');

/** The same. */
const loadResources = () => require('./open-resources.ts') as typeof import('./open-resources.ts');

type DumpApi = Pick<ThreadApi, 'dumpEstimate' | 'beginDump' | 'beginSnapshot' | 'dump' | 'endDump' | 'resources'>;

/** A dump of the thread, in pieces. */
class Dump {
  readonly #control: Int32Array;
  readonly #pieceAtTurn: () => void;
  #files: InventoryFiles | null = null;
  #inventory: RunningInventory | null = null;
  #snapshotFile: string | null = null;
  #scheduled = false;
  #busy = 0;
  #progress: DumpProgress | null = null;

  constructor(control: Int32Array) {
    this.#control = control;
    this.#pieceAtTurn = guarded(createSensor('the pieces of a dump', true), () => {
      if (this.#scheduled && !this.#isOver()) this.#piece(false);
      this.#scheduled = false;
    });
  }

  begin(files: InventoryFiles | null, snapshotFile: string | null): void {
    this.#files = files;
    this.#inventory = null;
    this.#snapshotFile = snapshotFile;
    this.#busy = 0;
    this.#scheduled = false;
    this.#progress = null;
  }

  /** Does a piece: at the next turn of the loop, `now` in this interrupt. */
  work(now: boolean): DumpProgress {
    if (this.#progress && this.#isOver()) return this.#progress;
    this.#progress = null;
    if (now || isStackEmpty()) {
      this.#scheduled = false;
      this.#piece(now);
    } else this.#atNextTurn();
    return this.#progress ?? { waits: true };
  }

  #isOver(): boolean {
    return this.#progress !== null && !('waits' in this.#progress);
  }

  #atNextTurn(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    laterOn(this.#pieceAtTurn).unref();
  }

  #piece(interrupts: boolean): void {
    // A pause that we make is not a stall of the program, as with a debugger. A stall that we interrupt is.
    const before = load(this.#control, Word.Debugger);
    if (!interrupts) store(this.#control, Word.Debugger, OWN_WORK);
    try {
      this.#progress = this.#work() ?? this.#progress ?? { waits: false };
    } catch (error) {
      const later = isBusy(error) && ++this.#busy < MAX_BUSY;
      this.#progress = later ? { waits: true } : { problem: messageOf(error) };
    } finally {
      store(this.#control, Word.Debugger, before);
    }
  }

  /** The result, null if there is more to do. */
  #work(): DumpProgress | null {
    const files = this.#files;
    if (this.#snapshotFile !== null) {
      return { snapshot: { pauseMs: loadInventory().writeSnapshot(this.#snapshotFile, monotonicMs) } };
    }
    if (this.#inventory) return this.#inventory.work(SLICE_MS) ? { inventory: this.#inventory.result() } : null;
    loadResources().rememberScripts();
    this.#inventory = loadInventory().beginInventory({ ...(files && { files }), now: monotonicMs });
    return null;
  }
}

/**
 * The part of the agent API that `evdiag dump` uses. Nothing of it exists before its first use.
 *
 * The pieces of work are done between two turns of the loop if the thread gets there, and by interrupt if it does
 * not: in an interrupt V8 forgets which reaction is running, so that errors of that turn would lack their `at async` lines.
 */
export function createDumpApi({ control }: SharedMemory): DumpApi {
  const dump = new Dump(control);
  return {
    dumpEstimate: () =>
      toJson({ heapBytes: builtIn<typeof import('node:v8')>('v8')!.getHeapStatistics().used_heap_size }),
    beginDump: (files) => dump.begin(files, null),
    beginSnapshot: (file) => dump.begin(null, file),
    dump: (now) => toJson(dump.work(now)),
    endDump: () => dump.begin(null, null),
    resources: () => toJson(loadResources().openResources()),
  };
}

function isBusy(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'EVDIAG_BUSY';
}

function messageOf(error: unknown): string {
  return error instanceof NativeError ? error.message : NativeString(error);
}
