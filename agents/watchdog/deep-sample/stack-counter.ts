import type { Depth, InterruptedStack } from '../../../src/protocol/thread-api.ts';
import type { ChainKind, DeepSampleRow, DeepSampleStack, Frame } from '../../../src/recording/types.ts';
import type { RawFrame } from '../../shared-memory.ts';
import { callerOf, isOther } from '../stall/chains.ts';

/** Two stacks further apart than this are no pair. */
const PAIR_MS = 10;
const IDLE_SHARE = 0.5;
/** Kept of the deep sample. */
const MAX_DISTINCT_STACKS = 400;
const MAX_STACKS = 40;
const MAX_FRAMES = 32;

type StackSummary = Pick<
  DeepSampleRow,
  'samples' | 'busySamples' | 'framelessSamples' | 'pairs' | 'turnedPairs' | 'pairMs' | 'stacks' | 'deepest'
>;

/** The stacks of a deep sample, and what two that follow soon after each other show. */
export class StackCounter {
  readonly #toFrame: (raw: RawFrame) => Frame;
  readonly #stacks = new Map<string, Omit<DeepSampleStack, 'frames'> & { frames: readonly RawFrame[] }>();
  #samples = 0;
  #busySamples = 0;
  #framelessSamples = 0;
  #pairs = 0;
  #turnedPairs = 0;
  #pairsMs = 0;
  #depths = 0;
  #deepest: Depth | null = null;
  #last: { answer: InterruptedStack; at: number } | null = null;

  constructor(toFrame: (raw: RawFrame) => Frame) {
    this.#toFrame = toFrame;
  }

  add(answer: InterruptedStack, at: number): void {
    this.#samples++;
    if (answer.depth) this.#measured(answer.depth);
    const caller = callerOf(answer, answer.frames.map(this.#toFrame));
    const before = this.#last;
    this.#last = { answer, at };
    // Without a frame the loop may be idle, or between two microtasks: its clock of idle time shows which.
    const gapMs = before ? at - before.at : 0;
    const idle = !before || answer.idleMs - before.answer.idleMs > gapMs * IDLE_SHARE;
    if (caller === null && idle) return;
    this.#busySamples++;
    if (caller === null) this.#framelessSamples++;
    else this.#count(answer, caller);
    if (!before || gapMs > PAIR_MS || idle) return;
    this.#pairs++;
    this.#pairsMs += gapMs;
    if (isOther(answer, before.answer, caller)) this.#turnedPairs++;
  }

  /** How many stacks were measured in full depth. */
  depths(): number {
    return this.#depths;
  }

  summary(): StackSummary {
    return {
      samples: this.#samples,
      busySamples: this.#busySamples,
      framelessSamples: this.#framelessSamples,
      pairs: this.#pairs,
      turnedPairs: this.#turnedPairs,
      pairMs: this.#pairs > 0 ? this.#pairsMs / this.#pairs : 0,
      stacks: [...this.#stacks.values()]
        .sort((a, b) => b.count - a.count)
        .slice(0, MAX_STACKS)
        .map(({ frames, ...rest }) => ({ ...rest, frames: frames.map(this.#toFrame) })),
      deepest: this.#deepest && toDeepest(this.#deepest, this.#toFrame),
    };
  }

  #measured(depth: Depth): void {
    this.#depths++;
    if (depth.repeated > (this.#deepest?.repeated ?? 0)) this.#deepest = depth;
  }

  #count(answer: InterruptedStack, caller: ChainKind): void {
    const key = caller + JSON.stringify(answer.frames);
    const seen = this.#stacks.get(key);
    if (seen) seen.count++;
    else if (this.#stacks.size < MAX_DISTINCT_STACKS) {
      this.#stacks.set(key, { count: 1, frames: shorten(answer.frames), caller });
    }
  }
}

/** The innermost and the outermost frames: what runs, and what called it. */
function shorten(frames: readonly RawFrame[]): readonly RawFrame[] {
  if (frames.length <= MAX_FRAMES) return frames;
  return [...frames.slice(0, MAX_FRAMES / 2), ...frames.slice(-MAX_FRAMES / 2)];
}

function toDeepest({ frames, repeated, frame }: Depth, toFrame: (raw: RawFrame) => Frame): DeepSampleRow['deepest'] {
  const { category: _category, awaits, ...location } = toFrame(frame);
  return { frames, repeated, location, awaits: awaits === true };
}
