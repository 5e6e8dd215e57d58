import { MAX_RECENT_MS, type V8CpuProfile } from '../../../src/protocol/profile-parts.ts';
import type { RecentFrame, RecentStack } from '../../../src/protocol/thread-api.ts';
import { NATIVE_CALL } from '../../../src/recording/places.ts';
import { type SharedMemory, Word } from '../../shared-memory.ts';
import type { StackCapture } from '../platform/stack-capture.ts';
import type { MarkedCalls } from '../stall/marked-calls.ts';
import { indexOfMark, type Mark, readMark, stackOfMark } from './mark.ts';
import { createRecentRing, type RecentSample } from './recent-ring.ts';
import { HELD_MS, type Reading, ThreadActivity, type ThreadActivityOptions } from './thread-activity.ts';

/** A stack costs the thread 0.3 to 0.8 ms (bench/README.md): at level watch at most 0.5 % of its time while it is busy, and nothing while it is idle. It costs the watchdog as much. */
const MEAN_MS = { watch: 150, diagnose: 100 };
/** More than are left of the time that is kept, if the thread is always busy: some 1750, of 100 bytes. */
const MAX_SAMPLES = 3000;
/** It is asked at ticks of the watchdog, which vary, so that they are not in step with a rhythm of the program. */
const TICK_SHARE = { least: 0.6, most: 1 };
/** Not during start-up: short programs should not pay for the connection. */
const FIRST_MS = 500;
/** An answer that took longer came after a call that could not be interrupted: what runs now is not what ran then. */
const LATE_MS = 3;
/** The same without a mark, if the thread ran meanwhile: Linux reports CPU time in steps of 4 ms. */
const LATE_UNMARKED_MS = 8;
const RAN_SHARE = 0.5;
const NATIVE: RecentFrame = [NATIVE_CALL, '', 0, 0];
/** A thread that does not answer within this time is inside of a native call. */
const LAST_ANSWER_MS = 200;

export interface RecentStacksOptions extends ThreadActivityOptions {
  shared: SharedMemory;
  marks: Pick<MarkedCalls, 'running'>;
  capture: Pick<StackCapture, 'call' | 'detach' | 'letGo'>;
  /** The machine's monotonic clock when the recording began. */
  startMonotonicMs: number;
}

interface Question {
  atMs: number;
  mark: Mark | null;
  before: Reading;
}

/**
 * Keeps what a thread did in the last ten minutes: stacks at random moments while it is not idle, by the same interrupt
 * that explains stalls. One question is open at a time.
 */
export class RecentStacks {
  readonly #options: RecentStacksOptions;
  readonly #ring = createRecentRing({ maxSamples: MAX_SAMPLES, keepMs: MAX_RECENT_MS });
  readonly #activity: ThreadActivity;
  /** When the thread was checked first. */
  #beganMs: number | null = null;
  #tickedMs: number;
  #heldUntilMs = 0;
  #asked: Question | null = null;
  /** The last sample, and the state of the thread before it was asked. */
  #last: { sample: RecentSample; before: Reading } | null = null;
  /** When the last answer came, and the idle time of the loop up to then. */
  #countedMs = 0;
  #countedIdleMs = 0;
  #busy = true;
  #ended = false;

  constructor(options: RecentStacksOptions) {
    this.#options = options;
    this.#activity = new ThreadActivity(options);
    this.#tickedMs = options.now();
  }

  /** Between two stacks of a thread that is busy. */
  meanMs(): number {
    return this.#options.shared.control[Word.Diagnose] === 1 ? MEAN_MS.diagnose : MEAN_MS.watch;
  }

  /** To be called at each tick; returns when the next one should come. */
  tick(t: number, tickMs: number): number {
    this.#activity.tick(t);
    // At random, however long the last answer took: what runs after a long call is sampled as often as anything else.
    const isDue = Math.random() < (t - this.#tickedMs) / this.meanMs() && t >= Math.max(FIRST_MS, this.#heldUntilMs);
    this.#tickedMs = t;
    if (this.#ended) return tickMs;
    if (this.#isDebugged()) {
      this.#asked = null;
      this.#options.capture.detach('recent');
    } else if (isDue && !this.#asked) this.#look(t);
    if (!this.#busy) return tickMs;
    return tickMs * (TICK_SHARE.least + Math.random() * (TICK_SHARE.most - TICK_SHARE.least));
  }

  /** The last `ms`, up to this moment; less if it has not been sampled for so long. */
  async profile(ms: number): Promise<V8CpuProfile> {
    await this.#lastAnswer();
    const { now, startMonotonicMs } = this.#options;
    const t = now();
    const fromMs = Math.max(this.#beganMs ?? t, t - ms);
    const profile = this.#ring.profile(fromMs, t, this.#unanswered(t));
    const startUs = Math.round((startMonotonicMs + fromMs) * 1000);
    return { ...profile, startTime: startUs, endTime: startUs + profile.endTime };
  }

  letGo(): void {
    this.#options.capture.letGo();
  }

  finish(): void {
    this.#ended = true;
    this.#asked = null;
    this.#options.capture.detach();
  }

  #isDebugged(): boolean {
    return Atomics.load(this.#options.shared.control, Word.Debugger) !== 0;
  }

  #look(t: number): void {
    if (this.#beganMs === null) {
      this.#beganMs = t;
      this.#countedMs = t;
    }
    const before = this.#activity.read();
    const found = this.#activity.judge(t, before, this.#last?.before);
    this.#busy = found === 'busy';
    if (this.#busy) this.#ask(t, before);
    else if (found === 'same') this.#addSame(t, before);
    if (this.#activity.mayBeHeld(t, before)) this.#heldUntilMs = t + HELD_MS;
  }

  #ask(atMs: number, before: Reading, answered = (): void => {}): void {
    const question = { atMs, mark: readMark(this.#options), before };
    this.#asked = question;
    this.#options.capture.call('recent', 'recent', [], (stack) => {
      this.#onAnswer(question, stack);
      answered();
    });
  }

  #onAnswer(question: Question, answer: RecentStack | null): void {
    if (this.#asked !== question) return;
    this.#asked = null;
    if (!answer) return;
    const [idleMs, line, frames, cutOff, entered] = answer;
    // It is not known whether the loop waited: assume that it did, and was woken.
    if (frames.length === 0 && question.before.state === null) return;
    const { stack, isExact } = this.#stackAt(question, frames, entered === 1);
    const node = this.#ring.place(outermostFirst(stack, cutOff === 1));
    this.#add(question.atMs, idleMs, { node, line: isExact ? line : 0 }, question.before);
  }

  /** What ran when the thread was asked; if it was a native call, the answer came after it. */
  #stackAt(question: Question, frames: RecentFrame[], entered: boolean): { stack: RecentFrame[]; isExact: boolean } {
    const { mark, atMs } = question;
    if (!mark) {
      const isBehind = entered && this.#isBehindNative(question);
      return { stack: isBehind ? [NATIVE, ...frames.slice(1)] : frames, isExact: !isBehind };
    }
    const at = indexOfMark(mark, frames);
    if (at < 0) return { stack: stackOfMark(mark, frames, this.#ring.known), isExact: false };
    const isLate = this.#options.now() - atMs > LATE_MS;
    return { stack: isLate ? frames.slice(at) : frames, isExact: !isLate };
  }

  /** Something that cannot be interrupted ran, and it is not known what; it was not the function that is entered then. */
  #isBehindNative({ atMs, before }: Question): boolean {
    const tookMs = this.#options.now() - atMs;
    if (tookMs < LATE_UNMARKED_MS || !before.cpu) return false;
    const ranMs = (this.#options.observedThread()?.cpuMs ?? 0) - before.cpu.cpuMs;
    return before.state === 'blocked' || ranMs > tookMs * RAN_SHARE;
  }

  #addSame(t: number, before: Reading): void {
    const { node, line } = this.#last!.sample;
    this.#add(t, this.#countedIdleMs, { node, line }, before);
  }

  #add(askedMs: number, idleMs: number, at: { node: number; line: number }, before: Reading): void {
    const answeredMs = this.#options.now();
    const sample = { askedMs, answeredMs, idleMs: Math.max(0, idleMs - this.#countedIdleMs), ...at };
    this.#ring.add(sample);
    this.#last = { sample, before };
    this.#countedMs = answeredMs;
    this.#countedIdleMs = Math.max(this.#countedIdleMs, idleMs);
  }

  /** What happens right now is part of it. */
  #lastAnswer(): Promise<void> {
    return new Promise((resolve) => {
      const t = this.#options.now();
      const before = this.#activity.read();
      const isHeld = this.#ended || this.#asked || this.#beganMs === null || this.#isDebugged();
      const found = isHeld ? 'idle' : this.#activity.judge(t, before, this.#last?.before);
      if (found === 'same') this.#addSame(t, before);
      if (found !== 'busy') {
        resolve();
        return;
      }
      const timer = setTimeout(resolve, LAST_ANSWER_MS);
      this.#ask(t, before, () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** What is running now and does not answer. */
  #unanswered(t: number): RecentSample | null {
    if (!this.#asked) return null;
    const { atMs, before, mark: then } = this.#asked;
    const mark = readMark(this.#options) ?? then;
    const node = this.#ring.place(outermostFirst(mark ? stackOfMark(mark, [], this.#ring.known) : [], false));
    return {
      askedMs: atMs,
      answeredMs: t,
      idleMs: Math.max(0, atMs - this.#countedMs - this.#ranMs(before)),
      node,
      line: 0,
    };
  }

  /** Its clock of idle time cannot be read: the time since the last answer that it did not run counts as idle. */
  #ranMs({ cpu }: Reading): number {
    const then = this.#last?.before.cpu;
    return cpu && then ? cpu.cpuMs - then.cpuMs + cpu.runQueueMs - then.runQueueMs : 0;
  }
}

/** Without JavaScript on the stack, it is what V8 calls the program. */
function outermostFirst(frames: readonly RecentFrame[], cutOff: boolean): RecentFrame[] {
  if (frames.length === 0) return [['(program)', '', 0, 0]];
  const stack = [...frames].reverse();
  return cutOff ? [['(more callers)', '', 0, 0], ...stack] : stack;
}
