import { SLOW_MS } from '../../recording/defaults.ts';
import { NATIVE_CALL } from '../../recording/places.ts';
import type { Frame, Location, StallKind, StallRow, View } from '../../recording/types.ts';
import { groupBy } from '../../util/group-by.ts';
import { maxOf } from '../../util/numbers.ts';
import { formatMs, plural } from '../../util/text.ts';
import {
  blamed,
  groupKey,
  hasComputed,
  isHarmful,
  leastMs,
  manyCallsShare,
  ofProvenCalls,
  ofWorkerScript,
  placeOf,
  STARVED_FACTOR,
  sumOf,
} from '../blocked-stalls.ts';
import { compiledWords, nameOf } from '../code-words.ts';
import { SURE } from '../confidence.ts';
import { findingOf, fragments, isOf } from '../finding.ts';
import { heldUpMessage, heldUpRemedy, waitsOf, waitsText } from '../held-up.ts';
import { delaysService } from '../late-service.ts';
import {
  CRITICAL_STALL_MS,
  INDEPENDENT_STACKS,
  STUCK_MS,
  SURE_STALL_MS,
  WARNING_STALL_MS,
  WARNING_STALLS,
} from '../limits.ts';
import { wordsOf } from '../named-costs.ts';
import { percent, round, secondsText } from '../severity.ts';
import { confidenceOfStalls } from '../stack-confidence.ts';
import { CALL_KINDS, KIND_TEXTS } from '../stall-kinds.ts';
import { allStalls, availableMs, ownMs, STALL_ROWS, spanOf } from '../stalls.ts';
import type { Detector, Finding, Severity, Times } from '../types.ts';
import { workOfStalls } from '../work.ts';
import { cpuBoundMainThread } from './cpu-bound-main-thread.ts';
import { overloadedEventLoop } from './overloaded-event-loop.ts';
import { isStarvation } from './starved-event-loop.ts';

/** The share of the time the loop was blocked at one place; JMC warns of halts at 5–10 % of the worst minute. */
const CRITICAL_SHARE = 0.1;
/** If the code ran for less of a stall than this, its whole length is reported as well. */
const NEARLY_ALL_SHARE = 0.8;
const RIGHT_PLACE =
  'Nothing to change: a worker thread is the right place for this work. If jobs queue up, start more workers, up to one per core.';
/** Only the name of the call says what it was. */
const ADD_ONS: readonly string[] = ['native-addon', 'sync-database'];
const RECORD_IT = 'Run it under the agent, which sees the line: evdiag run -- node app.js';
/** If most of the blocked time was one small call after another, the turn as a whole was long, not the call. */
const MANY_CALLS_SHARE = 0.5;
/** Stalls that are a smaller part of the busy time are not what keeps the loop busy. */
const STALL_SHARE = 0.3;
/** The least span to take a share of. */
const SHARE_SPAN_MS = 5000;

/** Times in ms, over all stalls; null if the platform does not report them. */
export interface BlockedEvidence extends Times {
  cpuMs: number | null;
  runQueueMs: number | null;
  gcMs: number | null;
  /** Set if the code's own time is much less. */
  wallMs?: number;
  throttledMs?: number;
  diskMs?: number;
  kernelMs?: number;
  majorFaults?: number;
  /** Share of it in which no single call was long, but the turn as a whole. 0..1 */
  manyCallsShare: number;
  /** The native call that was running. */
  call?: string;
}

const READS = [...STALL_ROWS, 'active-resources', 'event-loop-delay'] as const;
type Seen = View<(typeof READS)[number]>;

export const blockedEventLoop: Detector<BlockedEvidence, typeof READS> = {
  id: 'blocked-event-loop',
  title: 'blocked event loop',
  description:
    'One piece of synchronous work kept the main thread away from its event loop, so that no request, timer or socket was served. ' +
    'The watchdog thread notices that a native heartbeat stops, takes stacks of the blocked thread while the stall lasts, and ' +
    'names the innermost line of your own code that took most of the time. Times are those of the code itself: waiting for a core, ' +
    'for pages, for a disk or because of a CPU limit is subtracted and reported separately.',
  remedy: 'Make the work asynchronous, move it to a worker thread, or cut it into pieces that yield with setImmediate.',
  reads: READS,
  needs: [['event-loop-delay', 'stall', 'stall-open']],
  thresholds: [
    `EVDIAG_SLOW_MS: ${SLOW_MS} ms without a turn of the loop is a stall (the default of asyncio’s debug mode).`,
    `warning: ${WARNING_STALLS} stalls at one place, or one of ${WARNING_STALL_MS} ms or more (${SURE_STALL_MS} of a call that is known by name, if the cause is sure), while servers, sockets or timers waited; a start in which the program's own code ran for ${secondsText(STUCK_MS)} before it could serve.`,
    `critical: one of ${CRITICAL_STALL_MS} ms or more, or ${percent(CRITICAL_SHARE)} of the time blocked at one place.`,
    `info: any other start-up; stalls caused by the host (the code itself ran for less than EVDIAG_SLOW_MS, or ${STARVED_FACTOR} times that if the host took most of the time); programs in which nothing else waited.`,
  ],
  limits: [
    "A native call that is not one of Node's synchronous functions cannot be interrupted: its place is known only when it returns, with lower confidence, and may be the line after it.",
    `A kind other than js-cpu needs ${INDEPENDENT_STACKS} stacks in the same call, or a call that the agent marks while it runs.`,
    "Original lines need source maps: on disk, or from a loader that hands them to Node (tsx, ts-node, esbuild-register, @swc-node/register for CommonJS, Node's own type stripping). An ES module loader that keeps its maps to itself (@swc-node/register/esm) is asked for the file once more on Node 24 and later; before, V8 is, while the heap is small: otherwise the lines are those of its output unless source maps are on (--enable-source-maps).",
    'Code that node:vm compiles without a file name has no place that can be opened: the line that runs it is the place. Code made by eval or new Function is where it was made.',
    'Waits for a core, for disks and for CPU limits (cgroup v1 and v2) can be subtracted on Linux only.',
    "In a worker thread, computing is normal: it is info unless servers, sockets or timers of that thread waited. A pool's worker that sits in Atomics.wait with nothing waiting for it is idle. While a debugger is attached, only time that ran counts.",
  ],
  kinds: KIND_TEXTS,
  detect(recording) {
    const stalls = allStalls(recording)
      .map((stall) => blamed(stall, recording.header.slowMs))
      .filter((stall) => !isStarvation(stall))
      .map((stall) => (recording.header.threadId !== 0 && stall.startup ? ofWorkerScript(stall, recording) : stall));
    return [...groupBy(ofProvenCalls(stalls), groupKey).values()].map((group) => toFinding(group, recording));
  },
  explains: [
    { of: CALL_KINDS, rule: 'starved-event-loop', isMinor: false },
    { of: ['js-cpu'], ofMinor: false, rule: 'cpu-bound-main-thread' },
    { of: ['js-cpu'], ofMinor: true, rule: 'memory-churn', kinds: ['allocation'] },
    { of: ['gc'], rule: 'memory-churn', kinds: ['allocation'] },
    { of: ['gc'], rule: 'gc-pause', share: 'nothing' },
  ],
  minor,
  words: ({ cpuMs, runQueueMs, gcMs, wallMs, throttledMs, diskMs, kernelMs, majorFaults, manyCallsShare }) =>
    fragments(
      wallMs && `of ${formatMs(wallMs)} elapsed`,
      cpuMs !== null && `CPU ${formatMs(cpuMs)}`,
      gcMs && `collections ${formatMs(gcMs)}`,
      runQueueMs && `waits for a core ${formatMs(runQueueMs)}`,
      throttledMs && `throttled ${formatMs(throttledMs)}`,
      diskMs && `waits for a disk ${formatMs(diskMs)}`,
      kernelMs && `waits in the kernel ${formatMs(kernelMs)}`,
      majorFaults && `${plural(majorFaults, 'page')} loaded`,
      manyCallsShare > 0 && `${percent(manyCallsShare)} of it in many short calls`,
    ),
  merge: ([worst, ...others]) => others.reduce<BlockedEvidence>(together, worst!),
};

/** Stalls that are the smaller part of what keeps the loop busy; and turns that are long as a whole, when very many calls overload it. */
function minor(all: readonly Finding[]): ReadonlySet<Finding> {
  const busyMs = all.map((one) =>
    isOf(one, cpuBoundMainThread) || isOf(one, overloadedEventLoop) ? one.evidence.busyMs : 0,
  );
  const leastMs = maxOf(busyMs) * STALL_SHARE;
  const isOverloaded = all.some(({ rule }) => rule === overloadedEventLoop.id);
  const isMinor = ({ kind, times, evidence }: Finding<BlockedEvidence>): boolean =>
    kind === 'js-cpu' &&
    ((times?.totalMs ?? 0) < leastMs || (isOverloaded && evidence.manyCallsShare >= MANY_CALLS_SHARE));
  return new Set(all.filter((one) => isOf(one, blockedEventLoop) && isMinor(one)));
}

/** The longest of all; the others are summed up. */
function together(a: BlockedEvidence, b: BlockedEvidence): BlockedEvidence {
  const result: BlockedEvidence = { ...a, maxMs: Math.max(a.maxMs, b.maxMs) };
  for (const name of [
    'totalMs',
    'cpuMs',
    'runQueueMs',
    'gcMs',
    'wallMs',
    'throttledMs',
    'diskMs',
    'kernelMs',
  ] as const) {
    const known = [a[name], b[name]].filter((value) => typeof value === 'number');
    if (known.length > 0) result[name] = round(known.reduce((sum, value) => sum + value, 0));
  }
  return result;
}

function toFinding(group: readonly StallRow[], recording: Seen): Finding<BlockedEvidence> {
  // For stalls that the host caused, the whole time counts; for others the code's own share.
  const msOf = (stall: StallRow): number => (stall.kind === 'host' ? stall.durationMs : ownMs(stall));
  const longest = group.reduce((a, b) => (msOf(b) > msOf(a) ? b : a));
  const maxMs = msOf(longest);
  const totalMs = group.reduce((sum, stall) => sum + msOf(stall), 0);
  const { kind, startup } = longest;
  const texts = wordsOf(kind, group);
  const location = kind === 'host' ? null : (texts.location ?? placeOf(group));
  const confidence = confidenceOfStalls(group, { kind, location });
  const isNamed = CALL_KINDS.includes(kind) || texts.location !== undefined;
  const severity = severityOf(group, recording, isNamed && confidence >= SURE ? SURE_STALL_MS : WARNING_STALL_MS);
  const isThere = (place: Location | null): boolean => place?.line === location?.line;
  const witness = group.find(({ stacks }) => stacks.some((entry) => isThere(entry.location))) ?? longest;
  const stack = witness.stacks.find((entry) => isThere(entry.location)) ?? witness.stacks[0];
  const call = stack?.frames.find(({ category }) => category === 'native')?.function;
  // Seen only by the clock: it may have computed or slept.
  const isUnseen = kind === 'js-cpu' && location === null && !stack;
  const ofHost = kind === 'host' ? heldUpRemedy(group) : null;
  const ofKind = startup && kind !== 'host' ? startupRemedy(kind, texts.remedy) : (ofHost ?? texts.remedy);
  // Unless it serves something, a worker thread exists for such work.
  const isStart = startup && (kind === 'module-load' || recording.header.threadId === 0);
  const isAtWork = recording.header.threadId !== 0 && severity === 'info' && kind !== 'host' && !isStart;
  const remedy = isUnseen && recording.foreign !== undefined ? RECORD_IT : isAtWork ? RIGHT_PLACE : ofKind;
  const times = { maxMs: round(maxMs), totalMs: round(totalMs) };
  return findingOf(blockedEventLoop, {
    severity,
    lostMs: totalMs,
    kind,
    message: messageOf(
      group,
      longest,
      maxMs,
      totalMs,
      location,
      isUnseen ? 'work' : titleOf(kind, texts.title, call),
      stack?.frames ?? [],
      recording,
      isAtWork,
    ),
    remedy,
    location,
    stack: stack ? stack.frames.filter(({ file }) => file !== '').map(({ category: _, ...place }) => place) : [],
    count: group.length,
    confidence,
    startup,
    span: spanOf(group),
    times,
    ...(kind !== 'host' && workOfStalls(group)),
    evidence: {
      ...times,
      cpuMs: sumOf(group, 'cpuMs'),
      runQueueMs: sumOf(group, 'runQueueMs'),
      gcMs: sumOf(group, 'gcMs'),
      ...heldUpBy(group, totalMs),
      manyCallsShare: manyCallsShare(group),
      ...(call ? { call } : {}),
    },
  });
}

/** A native call is named if its name says more than the kind. */
function titleOf(kind: StallKind, title: string, call: string | undefined): string {
  if (call === NATIVE_CALL) return kind === 'js-cpu' ? 'a native call that nothing can interrupt' : title;
  return call && ADD_ONS.includes(kind) ? `${title} (${call})` : title;
}

function startupRemedy(kind: StallKind, remedy: string): string {
  return kind === 'module-load'
    ? 'Load less at start, or load what is rarely needed with import() before the server listens.'
    : remedy;
}

function severityOf(group: readonly StallRow[], recording: Seen, warningMs: number): Severity {
  const { foreign } = recording;
  const { slowMs } = recording.header;
  const harmful = group.filter((stall) => isHarmful(stall) && ownMs(stall) >= leastMs(stall, slowMs));
  if (harmful.length === 0) return group.some((stall) => delaysService(stall, recording)) ? 'warning' : 'info';
  const times = harmful.map(ownMs);
  const maxMs = times.reduce((most, ms) => Math.max(most, ms), 0);
  // Seen only by the clock, for a moment: on a busy host that may be anything.
  const computed = (stall: StallRow): boolean => foreign !== undefined && hasComputed(stall);
  if (
    harmful.every((stall) => stall.location === null && stall.kind === 'js-cpu' && !computed(stall)) &&
    maxMs < CRITICAL_STALL_MS
  )
    return 'info';
  const share = times.reduce((sum, ms) => sum + ms, 0) / Math.max(availableMs(recording), SHARE_SPAN_MS);
  if (maxMs >= CRITICAL_STALL_MS || share >= CRITICAL_SHARE) return 'critical';
  return harmful.length >= WARNING_STALLS || maxMs >= warningMs ? 'warning' : 'info';
}

function messageOf(
  group: readonly StallRow[],
  { kind, startup, durationMs }: StallRow,
  maxMs: number,
  totalMs: number,
  location: Location | null,
  title: string,
  frames: readonly Frame[],
  { header }: Seen,
  isAtWork: boolean,
): string {
  const wall = maxMs < durationMs * NEARLY_ALL_SHARE ? ` of ${Math.round(durationMs)}` : '';
  const times =
    group.length === 1
      ? `for ${Math.round(maxMs)}${wall} ms`
      : `${group.length} times, up to ${Math.round(maxMs)}${wall} ms, ${Math.round(totalMs)} ms in total,`;
  if (kind === 'host') return heldUpMessage(group, times.replace(/,$/, ''), header);
  const waits = wall ? waitsText(group, header) : null;
  const place = location ? ` in ${nameOf(location)}${compiledWords(frames, location)}` : ', at an unknown place';
  if (startup && header.threadId !== 0 && kind === 'module-load') {
    const beside = waits ? `; in addition it waited ${waits}` : '';
    return `The start of a worker thread blocked its event loop ${times.replace(/,$/, '')}${beside}.`;
  }
  const noReturn =
    startup && header.threadId !== 0 ? ', from its first line to its end: it never returned to its event loop' : '';
  if (isAtWork || noReturn) return `A worker thread was busy ${times} with ${title}${place}${noReturn}.`;
  return `${startup ? 'Start-up blocked the event loop' : 'The event loop was blocked'} ${times} by ${title}${place}${waits ? `; in addition the thread waited ${waits}` : ''}.`;
}

/** Only what is not 0: most recordings have none of it. */
function heldUpBy(group: readonly StallRow[], totalMs: number): Partial<BlockedEvidence> {
  const { durationMs, throttledMs, diskMs, kernelMs, majorFaults } = waitsOf(group);
  return {
    ...(totalMs < durationMs * NEARLY_ALL_SHARE && { wallMs: round(durationMs) }),
    ...(throttledMs > 0 && { throttledMs: round(throttledMs) }),
    ...(diskMs > 0 && { diskMs: round(diskMs) }),
    ...(kernelMs > 0 && { kernelMs: round(kernelMs) }),
    ...(majorFaults > 0 && { majorFaults }),
  };
}
