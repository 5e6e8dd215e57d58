/** A stall that lasts: what its stacks and the marks of native calls say of it so far. */

import type { InterruptedStack } from '../../../src/protocol/thread-api.ts';
import type { ChainKind, Frame, Location, StallKind, StallRow } from '../../../src/recording/types.ts';
import { OWN_WORK, Word } from '../../shared-memory.ts';
import type { ThreadCpu } from '../platform/thread-cpu.ts';
import { linesOf } from '../source-text.ts';
import { readRecentSite, readSite } from './call-site.ts';
import { createChainWitness } from './chains.ts';
import { classify, isLoading } from './classify.ts';
import { callName } from './marked-calls.ts';
import { behindNative, dominant, isIdleWorker, mergeSmallest, type Witness } from './stall-evidence.ts';
import type { StallTimes } from './stall-times.ts';
import { StallWork } from './stall-work.ts';
import { withStringCall } from './string-calls.ts';
import type { StallWatchOptions } from './types.ts';

const MAX_STACKS = 48;
/** Between stacks at first; later a tenth of the stall so far. */
const CAPTURE_STEP_MS = { least: 15, most: 500 };
/** An answer that took longer came from a native call that could not be interrupted. */
const NATIVE_ANSWER_MS = 60;
/** If the thread ran for most of that; otherwise it waited for a core. */
const COMPUTED_SHARE = 0.5;
/** Share of the time that a thread runs if no debugger holds it. */
const RAN_SHARE = 0.8;

export interface OpenStall {
  readonly id: number;
  readonly startMs: number;
  /** The heartbeat's count during the stall: a stack taken at another count is not of this stall. */
  readonly count: number;
  stacks: Witness[];
  /** Time not yet explained by a stack, and which marked calls ran in it. */
  pendingMs: number;
  pendingKinds: Map<StallKind, PendingCalls>;
  /** The question to which no answer has come. One stack is one witness, however long it takes. */
  asked: Question | null;
  lastStackAt: number;
  stackCount: number;
  /** It is reported again when it has lasted this long; 0: it was not reported. */
  reportAtMs: number;
  /** It was reported as caused by the host: reported again once it is not. */
  reportedHost: boolean;
  /** It is in the live log. */
  live: boolean;
  /** All stacks so far were of loading modules. */
  loading: boolean;
  /** Time in which the watchdog itself had no core. */
  ownLateMs: number;
  /** Name of the marked call that ran last. */
  call: string | null;
  debugger: boolean;
  /** The agent's own work blocks the thread. */
  own: boolean;
  waiting: number | null;
  chain: ReturnType<typeof createChainWitness>;
  readonly work: StallWork;
}

/** Marked calls of one kind: their time, how often one was seen, and the name of the last. */
interface PendingCalls {
  ms: number;
  seen: number;
  name: string;
}

/** When a stack was asked for, and what the thread had run by then. */
interface Question {
  atMs: number;
  cpu: ThreadCpu | null;
}

export function createOpenStall(known: Pick<OpenStall, 'id' | 'startMs' | 'count' | 'lastStackAt'>): OpenStall {
  return {
    ...known,
    stacks: [],
    pendingMs: 0,
    pendingKinds: new Map(),
    asked: null,
    stackCount: 0,
    reportAtMs: 0,
    reportedHost: false,
    live: false,
    loading: true,
    ownLateMs: 0,
    call: null,
    debugger: false,
    own: false,
    waiting: null,
    chain: createChainWitness(),
    work: new StallWork(),
  };
}

/** Reads the mark of a running synchronous call: the only evidence of a native call that blocks. */
export function readMark(options: StallWatchOptions, stall: OpenStall, elapsedMs: number): void {
  const call = options.marks.running();
  if (!call) {
    stall.pendingMs += elapsedMs;
    return;
  }
  stall.call = callName(call).replace('child_process', 'childProcess');
  // If a function is called for every row, the site of the running call is rarely taken; one of a moment ago is used.
  const recent = () => readRecentSite(options.shared, options.marks.index());
  const raw = readSite(options.shared) ?? (call.kind === 'js-cpu' ? recent() : null);
  if (raw) {
    stall.work.addMarked(options.shared, elapsedMs + stall.pendingMs);
    const native = nativeFrame(stall.call);
    const toFrames = () => [native, ...raw.map(options.toFrame)];
    addStack(stall, toFrames, { kind: call.kind, weightMs: elapsedMs + stall.pendingMs, marked: true });
    explained(stall);
  } else {
    stall.pendingMs += elapsedMs;
    const { ms, seen } = stall.pendingKinds.get(call.kind) ?? { ms: 0, seen: 0 };
    stall.pendingKinds.set(call.kind, { ms: ms + elapsedMs, seen: seen + 1, name: stall.call });
  }
}

/** Asks for the next stack, if it is time for one and the thread may be asked. */
export function askForStack(
  options: StallWatchOptions,
  stall: OpenStall,
  { now, gap, times }: { now: number; gap: number; times(): StallTimes },
): void {
  const held = Atomics.load(options.shared.control, Word.Debugger);
  stall.debugger ||= held !== 0;
  stall.own ||= held === OWN_WORK;
  const step = Math.min(CAPTURE_STEP_MS.most, Math.max(CAPTURE_STEP_MS.least, gap / 10));
  if (stall.asked || stall.stackCount >= MAX_STACKS || now - stall.lastStackAt < step) return;
  if (isHeldByThread(options) || !mayAsk(stall, gap, times)) return;
  const asked = { atMs: now, cpu: options.thread.cpu() };
  stall.asked = asked;
  options.capture.ask('stall', { waiting: stall.waiting === null, drains: true }, (answer) =>
    onAnswer(options, stall, asked, answer),
  );
}

/**
 * The main thread waits for another one, in no call that is marked: at a pause of a debugger (also of a session within the program, which
 * no URL shows), or for a lock. A question at a pause may have Node compute endlessly instead of going on; behind a lock it has no answer.
 */
function isHeldByThread({ thread, marks, isWorker }: StallWatchOptions): boolean {
  return isWorker !== true && marks.running() === null && thread.stat()?.state === 'locked';
}

/** While a debugger is attached, a thread that does not run may be at a breakpoint; one that has run is not. */
function mayAsk(stall: OpenStall, gap: number, times: () => StallTimes): boolean {
  if (!stall.debugger) return true;
  if (stall.own) return false;
  const { cpuMs, runQueueMs } = times();
  return (cpuMs ?? 0) + (runQueueMs ?? 0) >= gap * RAN_SHARE;
}

function onAnswer(options: StallWatchOptions, stall: OpenStall, asked: Question, answer: InterruptedStack): void {
  stall.asked = null;
  if (answer.count !== stall.count) return;
  const now = options.now();
  stall.waiting ??= answer.waiting ?? null;
  const tookMs = (answer.atMs === undefined ? now : answer.atMs - options.startMonotonicMs) - asked.atMs;
  const late = tookMs > NATIVE_ANSWER_MS;
  const cpu = options.thread.cpu();
  const call = pendingCall(stall);
  const isBehind = late && hasRun(asked.cpu, cpu, tookMs);
  const raw = isBehind ? behindNative(answer, call?.name) : answer.frames;
  const kind = call?.kind ?? (isBehind && options.marks.hasUnmarked() ? 'native-addon' : null);
  stall.chain.add(answer, answer.frames.map(options.toFrame), cpu?.cpuMs ?? null);
  stall.work.addStack(answer, stall.pendingMs, late);
  const toFrames = () => raw.map(options.toFrame);
  addStack(stall, toFrames, { kind, weightMs: stall.pendingMs, late, isBehind, count: call?.seen });
  explained(stall);
  stall.stackCount++;
  stall.lastStackAt = now;
}

/** The marked call that ran for most of what no stack explains. */
function pendingCall({ pendingKinds, pendingMs }: OpenStall): (PendingCalls & { kind: StallKind }) | null {
  let most = null;
  for (const [kind, calls] of pendingKinds) if (calls.ms >= pendingMs / 2) most = { kind, ...calls };
  return most;
}

/** A thread that computes answers within milliseconds of its CPU time, however long it waits for a core. */
function hasRun(before: ThreadCpu | null, after: ThreadCpu | null, tookMs: number): boolean {
  return before !== null && (after?.cpuMs ?? 0) - before.cpuMs > Math.min(tookMs * COMPUTED_SHARE, NATIVE_ANSWER_MS);
}

function explained(stall: OpenStall): void {
  stall.pendingMs = 0;
  stall.pendingKinds.clear();
}

interface Added {
  kind: StallKind | null;
  weightMs: number;
  late?: boolean;
  marked?: boolean;
  /** It was taken after a native call: what it shows is not what ran. */
  isBehind?: boolean;
  count?: number | undefined;
}

function addStack(stall: OpenStall, framesOf: () => Frame[], added: Added): void {
  const { kind, weightMs, late = false, marked = false, isBehind = false, count = 1 } = added;
  const toFrames = (): Frame[] => withStringCall(framesOf(), linesOf);
  const frames = toFrames();
  if (!frames.some(({ category }) => category === 'application' || category === 'dependency')) return;
  const judged = classify(frames, linesOf);
  stall.loading &&= isLoading(frames);
  const isOther = judged.kind === 'js-cpu' || (isBehind && judged.kind !== 'module-load');
  const isMarks = kind !== null && isOther;
  // The site of a marked call is the call itself.
  const borrowed = isMarks && !marked;
  stall.stacks.push({
    weightMs,
    kind: isMarks ? kind : judged.kind,
    frames,
    location: judged.location,
    count,
    marked: marked || borrowed,
    borrowed,
    late,
    toFrames,
  });
  if (stall.stacks.length > MAX_STACKS) mergeSmallest(stall.stacks);
}

/** What most of the time went to, as far as is known; without a stack, only the marked call. */
export function mostOf({ stacks, pendingKinds }: OpenStall): { kind: StallKind | null; location: Location | null } {
  return dominant(stacks) ?? { kind: [...pendingKinds.keys()][0] ?? null, location: null };
}

/** Operations that wait for the loop: by the answer with the stack, or by the thread's last report. */
export function waitingIn(options: StallWatchOptions, stall: OpenStall): number | null {
  return stall.waiting ?? options.waiting();
}

/** A worker of a pool between two jobs: no stall. */
export function isIdle(
  options: StallWatchOptions,
  stall: OpenStall,
  soFar: Pick<StallRow, 'durationMs' | 'cpuMs' | 'lockedMs'> & { kind: StallKind | null },
): boolean {
  return options.isWorker === true && isIdleWorker({ ...soFar, waiting: waitingIn(options, stall) });
}

/** Absent if too few stacks were taken. */
export function chainOf({ chain }: OpenStall): { chain?: ChainKind | null } {
  const kind = chain.kind();
  return kind === undefined ? {} : { chain: kind };
}

function nativeFrame(name: string): Frame {
  return { function: name, file: '', line: 0, column: 0, category: 'native' };
}
