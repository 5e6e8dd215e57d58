import { MAX_RECENT_MS, type V8CpuProfile } from '../../../src/protocol/profile-parts.ts';
import type { RecentFrame, RecentStack } from '../../../src/protocol/thread-api.ts';
import { NATIVE_CALL } from '../../../src/recording/places.ts';
import { type SharedMemory, Word } from '../../shared-memory.ts';
import type { StackCapture } from '../platform/stack-capture.ts';
import type { ThreadCpu } from '../platform/thread-cpu.ts';
import { readSite } from '../stall/call-site.ts';
import { callName, type MarkedCalls } from '../stall/marked-calls.ts';
import { createRecentRing, type RecentSample } from './recent-ring.ts';
import type { ThreadState } from './thread-state.ts';

/** A stack costs the thread 0.3 to 0.8 ms (bench/README.md): at level watch 0.5 % of its time at most, where it is busy; idle, nothing. */
const MEAN_MS = { watch: 150, diagnose: 50 };
/** More than are taken in the time that is kept. */
const MAX_SAMPLES = 2000;
/** It is asked at ticks of the watchdog: they vary, so that no rhythm of the program is in step with them. */
const TICK_SHARE = { least: 0.6, most: 1 };
/** Start-up is no time to connect: short programs shall not pay for it. */
const FIRST_MS = 500;
/** The loop beats every 10 ms: silent for longer, it waits for events within a call (`execSync`). */
const SILENT_MS = 35;
/** A thread that ran for less of the time does nothing but beat and count itself. */
const BUSY_SHARE = 0.02;
/** And one that is silent for so long may be held by a debugger. */
const HELD_MS = 2000;
/** An answer that took longer came behind a call that could not be interrupted: what is within that call now is not what was. */
const LATE_MS = 3;
/** The same without a mark, if the thread ran meanwhile: Linux tells CPU time in steps of 4 ms. */
const LATE_UNMARKED_MS = 8;
const RAN_SHARE = 0.5;
const NATIVE: RecentFrame = [NATIVE_CALL, '', 0, 0];
/** What our own question takes: whoever was blocked before and after it, and ran no longer, is blocked where it was. */
const QUESTION = { cpuMs: 1, timeslices: 3 };
/** A thread that does not answer within this time is inside of a native call. */
const LAST_ANSWER_MS = 200;

export interface RecentStacksOptions {
  shared: SharedMemory;
  marks: Pick<MarkedCalls, 'running'>;
  /** The heartbeat. */
  histogram: { count: number };
  capture: StackCapture;
  /** ms since the recording began, which was at that time of the machine's monotonic clock. */
  now(): number;
  startMonotonicMs: number;
  observedThread(): ThreadCpu | null;
  state(): ThreadState;
  /** Share of the last second that the loop was busy. */
  utilization(): number;
}

/** The mark of a synchronous call that runs, and where it was called. */
interface Mark {
  call: string;
  /** It is a JavaScript function of Node's, no built-in. */
  ofNode: boolean;
  site: RecentFrame[] | null;
}

interface Reading {
  atMs: number;
  state: ThreadState;
  cpu: ThreadCpu | null;
}

interface Question {
  atMs: number;
  mark: Mark | null;
  before: Reading;
}

export type RecentStacks = ReturnType<typeof createRecentStacks>;

/**
 * Keeps what a thread did in the last minute: stacks at random moments while it is not idle, by the same interrupt
 * that explains stalls. One question is open at a time.
 */
export function createRecentStacks(options: RecentStacksOptions) {
  const { shared, histogram, capture, now } = options;
  const { control } = shared;
  const ring = createRecentRing({ maxSamples: MAX_SAMPLES, keepMs: MAX_RECENT_MS });
  /** When the thread was looked at first. */
  let beganMs: number | null = null;
  let tickedMs = now();
  let heldUntilMs = 0;
  let reading: Reading | null = null;
  /** It has hardly run since it was looked at before. */
  let isResting = false;
  let asked: Question | null = null;
  /** The last sample, and what the thread was like before it was asked. */
  let last: { sample: RecentSample; before: Reading } | null = null;
  /** When the last answer came, and the idle time of the loop up to then. */
  let toldMs = 0;
  let toldIdleMs = 0;
  let beats = histogram.count;
  let beatAtMs = 0;
  let busy = true;
  let ended = false;

  const meanMs = (): number => (control[Word.Diagnose] === 1 ? MEAN_MS.diagnose : MEAN_MS.watch);
  const add = (askedMs: number, idleMs: number, at: { node: number; line: number }, before: Reading): void => {
    const sample = { askedMs, answeredMs: now(), idleMs: Math.max(0, idleMs - toldIdleMs), ...at };
    ring.add(sample);
    last = { sample, before };
    toldMs = sample.answeredMs;
    toldIdleMs = Math.max(toldIdleMs, idleMs);
  };
  const onAnswer = (question: Question, answer: RecentStack | null): void => {
    if (asked !== question) return;
    asked = null;
    if (!answer) return;
    const [idleMs, line, frames, cutOff, entered] = answer;
    // Where nobody says whether the loop waited: then it did, and was woken.
    if (frames.length === 0 && question.before.state === null) return;
    const { stack, isExact } = stackAt(question, frames, entered === 1);
    const node = ring.place(outermostFirst(stack, cutOff === 1));
    add(question.atMs, idleMs, { node, line: isExact ? line : 0 }, question.before);
  };
  /** What ran when the question was asked; where it was a native call, the answer came behind that. */
  const stackAt = (question: Question, frames: RecentFrame[], entered: boolean) => {
    const { mark } = question;
    if (!mark) {
      const isBehind = entered && isBehindNative(question);
      return { stack: isBehind ? [NATIVE, ...frames.slice(1)] : frames, isExact: !isBehind };
    }
    const at = frames.findIndex(([name, url]) => name === mark.call && (url === '' || url.startsWith('node:')));
    if (at < 0) return { stack: [frameOf(mark), ...callersOf(mark, frames)], isExact: false };
    const isLate = now() - question.atMs > LATE_MS;
    return { stack: isLate ? frames.slice(at) : frames, isExact: !isLate };
  };
  /** Something that cannot be interrupted ran, and nothing tells what: whoever is entered then did not. */
  const isBehindNative = ({ atMs, before }: Question): boolean => {
    const tookMs = now() - atMs;
    if (tookMs < LATE_UNMARKED_MS || !before.cpu) return false;
    const ranMs = (options.observedThread()?.cpuMs ?? 0) - before.cpu.cpuMs;
    return before.state === 'blocked' || ranMs > tookMs * RAN_SHARE;
  };
  /** The stack that a marked call was made from: that of the answer, or what the thread wrote down. */
  const callersOf = ({ site }: Mark, frames: readonly RecentFrame[]): readonly RecentFrame[] => {
    if (!site || site.length === 0) return frames;
    const at = frames.findIndex(([name, url]) => name === site[0]![0] && url === site[0]![1]);
    return at >= 0 ? frames.slice(at) : site.map((frame) => ring.known(frame[0], frame[1]) ?? frame);
  };
  const frameOf = ({ call, ofNode }: Mark): RecentFrame => (ofNode && ring.known(call, 'node:')) || [call, '', 0, 0];
  const read = (): Reading => {
    const before = reading;
    reading = { atMs: now(), state: options.state(), cpu: options.observedThread() };
    isResting = before?.cpu
      ? reading.cpu !== null && reading.cpu.cpuMs - before.cpu.cpuMs < BUSY_SHARE * (reading.atMs - before.atMs)
      : options.utilization() < BUSY_SHARE;
    return reading;
  };
  /** What the thread does, without asking it: `same` as when it was asked last. */
  const judge = (t: number, { state, cpu }: Reading): 'idle' | 'same' | 'busy' => {
    const isSilent = t - beatAtMs > SILENT_MS;
    const isMarked = Atomics.load(control, Word.SyncCall) !== 0;
    if (!isSilent && !isMarked) {
      // On a busy host a thread that has woken to beat waits for a core.
      if (state === 'events' || isResting) return 'idle';
    }
    const then = last?.before;
    if (state === 'running' || state === null || !cpu || !then?.cpu || then.state !== state) return 'busy';
    const hasRun =
      cpu.cpuMs - then.cpu.cpuMs > QUESTION.cpuMs || cpu.timeslices - then.cpu.timeslices > QUESTION.timeslices;
    return hasRun ? 'busy' : 'same';
  };
  const ask = (atMs: number, before: Reading, answered = (): void => {}): void => {
    const question = { atMs, mark: readMark(options), before };
    asked = question;
    capture.call('recent', 'recent', [], (stack) => {
      onAnswer(question, stack);
      answered();
    });
  };
  const addSame = (t: number, before: Reading): void => {
    const { node, line } = last!.sample;
    add(t, toldIdleMs, { node, line }, before);
  };
  const look = (t: number): void => {
    if (beganMs === null) {
      beganMs = t;
      toldMs = t;
    }
    const before = read();
    const found = judge(t, before);
    busy = found === 'busy';
    if (busy) ask(t, before);
    else if (found === 'same') addSame(t, before);
    // It may be held by a debugger that we cannot see.
    if (before.state === null && t - beatAtMs > HELD_MS) heldUntilMs = t + HELD_MS;
  };
  /** What runs at this moment and does not answer. */
  const unanswered = (t: number): RecentSample | null => {
    if (!asked) return null;
    const { atMs, before } = asked;
    const mark = readMark(options) ?? asked.mark;
    const node = ring.place(outermostFirst(mark ? [frameOf(mark), ...callersOf(mark, [])] : [], false));
    // Its clock of idle time cannot be read: what it did not run, it was idle.
    const then = last?.before.cpu;
    const ranMs = before.cpu && then ? before.cpu.cpuMs - then.cpuMs + before.cpu.runQueueMs - then.runQueueMs : 0;
    return { askedMs: atMs, answeredMs: t, idleMs: Math.max(0, atMs - toldMs - ranMs), node, line: 0 };
  };

  return {
    /** Between two stacks of a thread that is busy. */
    meanMs,
    /** To be called with each tick; the next one is to come after what it returns. */
    tick(t: number, tickMs: number): number {
      const count = histogram.count;
      if (count !== beats) beatAtMs = t;
      beats = count;
      // At random, however long the last answer took: what runs behind a long call is asked as often as anything else.
      const isDue = Math.random() < (t - tickedMs) / meanMs() && t >= Math.max(FIRST_MS, heldUntilMs);
      tickedMs = t;
      if (ended) return tickMs;
      if (Atomics.load(control, Word.Debugger) !== 0) {
        asked = null;
        capture.detach('recent');
      } else if (isDue && !asked) look(t);
      if (!busy) return tickMs;
      return tickMs * (TICK_SHARE.least + Math.random() * (TICK_SHARE.most - TICK_SHARE.least));
    },
    /** The last `ms`, up to this moment; less where it has not been looked at for so long. */
    async profile(ms: number): Promise<V8CpuProfile> {
      await lastAnswer();
      const t = now();
      const fromMs = Math.max(beganMs ?? t, t - ms);
      const profile = ring.profile(fromMs, t, unanswered(t));
      const startUs = Math.round((options.startMonotonicMs + fromMs) * 1000);
      return { ...profile, startTime: startUs, endTime: startUs + profile.endTime };
    },
    finish(): void {
      ended = true;
      asked = null;
      capture.detach();
    },
  };

  /** What happens right now is part of it. */
  function lastAnswer(): Promise<void> {
    return new Promise((resolve) => {
      const t = now();
      const before = read();
      const isHeld = ended || asked || beganMs === null || Atomics.load(control, Word.Debugger) !== 0;
      const found = isHeld ? 'idle' : judge(t, before);
      if (found === 'same') addSame(t, before);
      if (found !== 'busy') {
        resolve();
        return;
      }
      const timer = setTimeout(resolve, LAST_ANSWER_MS);
      ask(t, before, () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

function readMark({ shared, marks }: Pick<RecentStacksOptions, 'shared' | 'marks'>): Mark | null {
  const call = marks.running();
  if (!call) return null;
  const site = readSite(shared)?.filter(([, , , , awaits]) => !awaits);
  return {
    call: call.module.endsWith('.node') ? callName(call) : call.name,
    ofNode: /^[a-z]/.test(call.module) && !call.module.endsWith('.node'),
    site: site?.map(([name, url, line, column]) => [name, url ?? '', line, column]) ?? null,
  };
}

/** Without JavaScript on the stack, it is what V8 calls the program. */
function outermostFirst(frames: readonly RecentFrame[], cutOff: boolean): RecentFrame[] {
  if (frames.length === 0) return [['(program)', '', 0, 0]];
  const stack = [...frames].reverse();
  return cutOff ? [['(more callers)', '', 0, 0], ...stack] : stack;
}
