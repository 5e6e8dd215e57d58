import type { V8AllocationProfile } from '../../../src/protocol/allocation-parts.ts';
import type { HookCounts, InterruptedStack, RawProgramHooks } from '../../../src/protocol/thread-api.ts';
import type { DeepSampleRow, TriggerReason } from '../../../src/recording/types.ts';
import type { RawFrame } from '../../shared-memory.ts';
import type { ThreadCpu } from '../platform/thread-cpu.ts';
import { placeOf } from '../stall/classify.ts';
import { summarizeAllocations } from './allocations.ts';
import { summarizeCreated, summarizeProgramHooks } from './created.ts';
import type { Loan } from './kept-objects.ts';
import { StackCounter } from './stack-counter.ts';
import { startSampling } from './start-sampling.ts';
import type { DeepSampleOptions } from './types.ts';

const SAMPLE_MS = 2000;
/**
 * Between stacks: random, so that it is not in step with a rhythm of the program. Every other one comes soon after the one
 * before: the two show whether callbacks last that long.
 */
const STEP_MS = { soon: [3, 7], later: [20, 40] } as const;
/** The hooks stop themselves after 150 ms if anything happens; if not, they are stopped. */
const HOOKS_MS = 170;
/** Measuring a stack of 10 000 frames takes some 10 ms, so it is done at most this often per deep sample. */
const MAX_DEPTHS = 5;
/** Mean bytes between sampled allocations: summing them up pauses the thread for 5–15 ms, at 64 kB for 200 ms. */
const ALLOCATIONS = {
  samplingInterval: 1 << 20,
  includeObjectsCollectedByMajorGC: true,
  includeObjectsCollectedByMinorGC: true,
};

export interface DeepSampleReason {
  reasons: TriggerReason[];
  /** Set if allocations are sampled too. */
  sampling: Loan | null;
  /** What is created is counted only through hooks that are there already. */
  tapOnly: boolean;
}

/** Samples a thread for two seconds: stacks at random moments, what it creates, and what it allocates where the collector was the trigger. */
export class DeepSample {
  readonly #options: DeepSampleOptions;
  readonly #why: DeepSampleReason;
  readonly #onEnd: (row: DeepSampleRow) => void;
  readonly #startMs: number;
  readonly #startCpu: ThreadCpu | null;
  readonly #stacks: StackCounter;
  #created: HookCounts | null = null;
  #intervals: RawFrame[][] = [];
  #programHooks: RawProgramHooks | null = null;
  #waiting: number | null = null;
  #ended = false;
  #soon = false;

  constructor(options: DeepSampleOptions, why: DeepSampleReason, onEnd: (row: DeepSampleRow) => void) {
    this.#options = options;
    this.#why = why;
    this.#onEnd = onEnd;
    this.#startMs = options.now();
    this.#startCpu = options.observedThread();
    this.#stacks = new StackCounter(options.toFrame);
    this.#sampleAllocations();
    options.capture.call('deep-sample', 'startHooks', [why.tapOnly]);
    setTimeout(() => this.#stopHooks(), HOOKS_MS);
    this.#step();
  }

  /** With what it has seen. */
  finish(): void {
    this.#finish(null);
  }

  #sampleAllocations(): void {
    const { sampling } = this.#why;
    if (!sampling) return;
    startSampling(this.#options.capture, 'deep-sample', ALLOCATIONS, (started) => {
      if (!started) sampling.giveBack(true);
    });
  }

  #stopHooks(): void {
    if (this.#ended) return;
    const { capture } = this.#options;
    capture.call('deep-sample', 'stopHooks', []);
    capture.call('deep-sample', 'shortIntervals', [], (sites) => {
      this.#intervals = sites ?? [];
    });
    capture.call('deep-sample', 'programHooks', [], (hooks) => {
      this.#programHooks = hooks;
    });
  }

  #step(): void {
    if (this.#ended) return;
    const { capture, now } = this.#options;
    if (now() - this.#startMs >= SAMPLE_MS) {
      this.#askWhatIsLeft();
      return;
    }
    const question = { waiting: this.#waiting === null, depth: this.#stacks.depths() < MAX_DEPTHS };
    capture.ask('deep-sample', question, this.#onAnswer);
    this.#soon = !this.#soon;
    const [least, most] = this.#soon ? STEP_MS.soon : STEP_MS.later;
    setTimeout(() => this.#step(), least + Math.random() * (most - least));
  }

  /** The same function each time: a request made while another is open shares its answer. */
  readonly #onAnswer = (answer: InterruptedStack): void => {
    this.#stacks.add(answer, this.#options.now());
    this.#waiting = answer.waiting ?? this.#waiting;
  };

  #askWhatIsLeft(): void {
    this.#options.capture.call('deep-sample', 'hookCounts', [], (counts) => {
      this.#created = counts;
      this.#finishWithAllocations();
    });
    // A thread that no longer answers must not keep the deep sample open.
    setTimeout(() => this.finish(), SAMPLE_MS);
  }

  #finishWithAllocations(): void {
    if (this.#ended) return;
    // A client may have taken the sampler meanwhile.
    if (!this.#why.sampling?.isMine()) {
      this.finish();
      return;
    }
    this.#options.capture.post('deep-sample', 'HeapProfiler.stopSampling', {}, (result) => {
      this.#finish(result?.profile ?? null);
    });
  }

  #finish(profile: V8AllocationProfile | null): void {
    if (this.#ended) return;
    this.#ended = true;
    const { capture, observedThread, now, maps } = this.#options;
    this.#why.sampling?.giveBack(false);
    capture.detach('deep-sample');
    const cpu = observedThread();
    const t = now();
    maps.mapped(() => this.#row(t, cpu, profile), this.#onEnd);
  }

  #row(t: number, cpu: ThreadCpu | null, profile: V8AllocationProfile | null): DeepSampleRow {
    const { toFrame } = this.#options;
    const startCpu = this.#startCpu;
    return {
      t,
      type: 'deep-sample',
      reasons: this.#why.reasons,
      startMs: this.#startMs,
      durationMs: t - this.#startMs,
      cpuMs: cpu && startCpu ? cpu.cpuMs - startCpu.cpuMs : null,
      runQueueMs: cpu && startCpu ? cpu.runQueueMs - startCpu.runQueueMs : null,
      ...this.#stacks.summary(),
      created: this.#created && summarizeCreated(this.#created, toFrame),
      shortIntervals: this.#intervals.map((frames) => placeOf(frames.map(toFrame))).filter((place) => place !== null),
      ...(this.#programHooks && { programHooks: summarizeProgramHooks(this.#programHooks, toFrame) }),
      allocations: profile && summarizeAllocations(profile, toFrame),
      waiting: this.#waiting,
    };
  }
}
