import {
  exchange,
  min,
  monotonicMs,
  NativeFloat64Array,
  NativeNumber,
  NativeUint8Array,
  store,
  stringify,
} from '../primordials.ts';
import { type RawFrame, type SharedMemory, SITE_LENGTH, Word } from '../shared-memory.ts';
import type { AnyFunction } from './replace.ts';
import { callSites } from './stack.ts';
import { currentWork, GIVES_DATA, HANDS_OVER, type WorkItem } from './work/current.ts';

/** Frames kept of a call site. */
const SITE_FRAMES = 24;
/**
 * Time for call sites of one function, in ms of each second: one takes 10 to 200 µs, by the depth of the stack. Each has
 * its own, so that a thousand quick calls of one do not use up the time for a slow one of another.
 */
const BUDGET_MS = { watch: 1, diagnose: 10 };
/** Unused time is kept up to this: a starting program, or a rare call, always has its site. */
const MOST_SAVED_MS = 20;
/** A call that comes this often has used its time: reading the clock costs more than some calls of native add-ons. */
const UNASKED_CALLS = 8;
/** What took longer was the first, or had to wait for a core. */
const MOST_COST_MS = 0.3;
function workOf(frames: RawFrame[]): WorkItem | null {
  return currentWork({
    isInHandler: () => frames.some(([name, url]) => HANDS_OVER.has(name) && url?.startsWith('node:')),
    isOnData: () => frames.some(([name, url]) => name === GIVES_DATA && url?.startsWith('node:')),
  });
}

/** Records where marked calls are made, as often as their budgets allow, and whenever the watchdog asks for it. */
export class MarkedSites {
  readonly #shared: SharedMemory;
  readonly #savedMs: Float64Array;
  readonly #refilledAt: Float64Array;
  /** Calls that may pass before the clock is read again. */
  readonly #unasked: Uint8Array;

  constructor(shared: SharedMemory, callCount: number) {
    this.#shared = shared;
    this.#savedMs = new NativeFloat64Array(callCount);
    this.#refilledAt = new NativeFloat64Array(callCount).fill(NativeNumber.NEGATIVE_INFINITY);
    this.#unasked = new NativeUint8Array(callCount);
  }

  /** Of the call of that number, made by this wrapper. */
  write(index: number, sequence: number, wrapper: AnyFunction): void {
    const { control, site } = this.#shared;
    const wanted = exchange(control, Word.SiteWanted, 0) === 1;
    if (!wanted && !this.#isInBudget(index)) return;
    const from = monotonicMs();
    const frames = callSites(SITE_FRAMES, wrapper as (...args: never[]) => unknown);
    const text = stringify(frames);
    if (text.length <= SITE_LENGTH) {
      for (let i = 0; i < text.length; i++) site[i] = text.charCodeAt(i);
      store(control, Word.SiteLength, text.length);
      store(control, Word.SiteCall, index + 1);
      store(control, Word.SiteWork, workOf(frames)?.id ?? 0);
      store(control, Word.SiteSequence, sequence);
    }
    // What the watchdog asks for, it bounds itself: a call that comes later would have no time left.
    if (!wanted) this.#savedMs[index]! -= min(MOST_COST_MS, monotonicMs() - from);
  }

  /** About once a second: the first call of each function may ask anew whether it has time. A slow one may follow many quick ones. */
  look(): void {
    this.#unasked.fill(0);
  }

  #isInBudget(index: number): boolean {
    const savedMs = this.#savedMs;
    const unasked = this.#unasked;
    if (savedMs[index]! > 0) return true;
    if (unasked[index]!-- > 0) return false;
    unasked[index] = UNASKED_CALLS;
    const now = monotonicMs();
    const perSecond = this.#shared.control[Word.Diagnose] === 1 ? BUDGET_MS.diagnose : BUDGET_MS.watch;
    const refillMs = ((now - this.#refilledAt[index]!) / 1000) * perSecond;
    savedMs[index] = min(MOST_SAVED_MS, savedMs[index]! + refillMs);
    this.#refilledAt[index] = now;
    return savedMs[index]! > 0;
  }
}
