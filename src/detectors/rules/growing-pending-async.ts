import { packageNameOf } from '../../recording/places.ts';
import type { View } from '../../recording/types.ts';
import { formatMs } from '../../util/text.ts';
import {
  BACKLOG_THRESHOLD,
  type Backlog,
  backlogOf,
  isContended,
  type Overlap,
  overlapOf,
  RUNS_THRESHOLD,
  type SteadyOverlap,
  steadyOverlapOf,
} from '../backlog.ts';
import { nameOf } from '../code-words.ts';
import { CONFIDENCE } from '../confidence.ts';
import { growthOfCalls } from '../growing-calls.ts';
import {
  aboutText,
  estimatedOf,
  GROWN_CALLS,
  type Growth,
  type GrowthEvidence,
  growthEvidence,
  growthText,
  growthWords,
  INBOUND_SHARE,
  STUCK_RATIO,
  UNANSWERED_MS,
} from '../growth.ts';
import { KEEPS_MEMORY } from '../heap-growth.ts';
import {
  type AwaitedEvidence,
  awaitedOf,
  countText,
  innermost,
  isCalledFrom,
  onePerLine,
  placeFinding,
} from '../place-findings.ts';
import { hasBroken, ownReactions } from '../reactions.ts';
import { round, secondsText } from '../severity.ts';
import { STALL_ROWS } from '../stalls.ts';
import type { Detector, Finding } from '../types.ts';
import { PERIOD_ROWS, type Period, type Place, periodsOf } from '../unfinished.ts';
import { FOLLOWED_IN_PART, TRACKED_LATE } from '../unseen.ts';
import { ownAwaits } from '../wait-chains.ts';
import { functionsWith, isLoop, isRecursive, isWithin, listens, reads, viaOf, waitsOf } from '../waits.ts';

interface PendingEvidence extends GrowthEvidence, AwaitedEvidence {}

interface BacklogEvidence extends AwaitedEvidence {
  alive: number;
  estimated?: true;
  oldestMs: number;
  observedMs: number;
  createdPerSecond: number;
  endedPerSecond: number;
}

type Evidence = PendingEvidence | BacklogEvidence;

const BACKLOG_REMEDY =
  'Start no more than can be served: bound how many run at once, refuse or delay what is beyond that, or make what is awaited faster.';
const OVERLAP_REMEDY = 'Skip a run while the one before is under way, or start the next one when it has ended.';

const READS = [...PERIOD_ROWS, ...STALL_ROWS, 'cpu', 'waits'] as const;
type Seen = View<(typeof READS)[number]>;

export const growingPendingAsync: Detector<Evidence, typeof READS> = {
  id: 'growing-pending-async',
  title: 'growing number of suspended calls',
  description:
    'More and more calls are suspended at one await and none of the old ones ends: nobody settles what they await. Each keeps its ' +
    'variables alive. A number that stays level, calls that wait for timers or child processes, and connections that wait for ' +
    'their next message are not leaks.',
  remedy:
    'Settle what is awaited in every case, the failed ones included, or give up by a timeout; then delete the entry that holds it.',
  reads: READS,
  needs: ['unfinished'],
  thresholds: [
    `warning: ${GROWN_CALLS} calls suspended at one place, ${growthText('ended')}; however many end, where those need a ${STUCK_RATIO}th of the time for which the oldest has waited.`,
    `reactions: results of \`then\` without await: the same, where such used to be settled soon, and none is any more.`,
    `info: the same, where as many connections or requests from outside are open, unless such calls used to end and none does any more, or these requests have no answer for ${secondsText(UNANSWERED_MS)} or a body that nobody reads.`,
    BACKLOG_THRESHOLD,
    RUNS_THRESHOLD,
  ],
  limits: [FOLLOWED_IN_PART, TRACKED_LATE],
  kinds: [
    {
      kind: 'suspended',
      title: 'calls that await what is never settled',
      remedy:
        'Settle what is awaited in every case, the failed ones included, or give up by a timeout; then delete the entry that holds it.',
      example:
        'pending.set(id, resolve);                                       // no reply: forever\nconst signal = AbortSignal.timeout(5000);                       // gives up\nsignal.onabort = () => { pending.delete(id); reject(signal.reason); };',
    },
    {
      kind: 'backlog',
      title: 'more calls begin than end',
      remedy: BACKLOG_REMEDY,
      example:
        'socket.on("message", (text) => save(text));                     // as fast as they come\nfor await (const text of messages) await limit(() => save(text)); // as fast as they can be saved',
    },
    {
      kind: 'overlapping-runs',
      title: 'runs of a schedule that overlap',
      remedy: OVERLAP_REMEDY,
      example:
        'setInterval(sync, 1000);                                        // every second, however long it takes\nfor (;;) { await sync(); await delay(1000); }                    // one at a time',
    },
  ],
  detect(recording) {
    const periods = periodsOf(recording);
    const pending = periods.flatMap((period) => suspended(period, recording));
    const backlogs = periods.flatMap((period) => backlogged(period, recording));
    const overlaps = outermost(periods.flatMap((period) => overlapping(period, recording)));
    return explained(innermost(onePerLine<Evidence>([...pending, ...backlogs])), onePerLine(overlaps));
  },
  words: (evidence) =>
    'createdPerSecond' in evidence
      ? [
          `${aboutText(evidence.alive, evidence.estimated)} alive`,
          `the oldest for ${formatMs(evidence.oldestMs)}`,
          `${evidence.createdPerSecond} begun and ${evidence.endedPerSecond} ended a second for ${formatMs(evidence.observedMs)}`,
        ]
      : growthWords(evidence),
  explains: [
    { rule: 'stuck-async', kinds: ['stuck'] },
    { rule: 'stuck-async', kinds: ['answer'], isMinor: true },
    ...KEEPS_MEMORY,
  ],
};

function suspended(period: Period, recording: Seen): Finding<PendingEvidence>[] {
  const waits = waitsOf(period);
  const children = functionsWith(period, ({ type }) => type === 'PROCESSWRAP');
  return [...ownAwaits(period, recording), ...ownReactions(period)].flatMap((place) => {
    const growth = growthOfCalls(place, waits, recording);
    if (growth === null || isLoop(place.last.entry) || isRecursive(place)) return [];
    if (place.last.entry.what === 'reaction' && !hasBroken(growth)) return [];
    // missing-timeout reports those.
    if (waits.network(place) || waits.timer(place)) return [];
    if (viaOf(place.last.entry).includes('child_process') || isWithin(children, place)) return [];
    if (growth.inbound && (listens(place.last.entry) || reads(place.last.entry))) return [];
    return [toFinding(place, growth)];
  });
}

function toFinding(place: Place, growth: Growth): Finding<PendingEvidence> {
  const { alive, grown, oldestMs, spanMs } = growth;
  // Those from outside explain the growth as long as they end.
  const inbound = growth.inbound && !growth.broke;
  return placeFinding(growingPendingAsync, {
    kind: 'suspended',
    severity: inbound ? 'info' : 'warning',
    message: `${countText(place, alive)} calls are suspended in ${nameOf(place.location)}, ${grown} more than ${secondsText(spanMs)} earlier, the oldest for ${secondsText(oldestMs)}.`,
    place,
    count: alive,
    // The calls were counted; but those that wait need not be the cause.
    confidence: inbound ? CONFIDENCE.weak : CONFIDENCE.compared,
    evidence: { ...growthEvidence(growth), ...awaitedOf(place.last.entry) },
  });
}

function backlogged(period: Period, recording: Seen): Finding<Evidence>[] {
  const waits = waitsOf(period);
  return ownAwaits(period, recording).flatMap((place) => {
    const { entry } = place.last;
    const backlog = backlogOf(place);
    if (backlog === null || isLoop(entry) || isRecursive(place) || waits.timer(place)) return [];
    const inbound = place.last.inbound >= INBOUND_SHARE * backlog.alive;
    if (inbound && (listens(entry) || reads(entry))) return [];
    return [backlogFinding(place, backlog, isContended(recording, backlog.spanMs))];
  });
}

function backlogFinding(place: Place, backlog: Backlog, contended: boolean): Finding<Evidence> {
  const { alive, grown, spanMs, createdPerSecond, endedPerSecond, quickestMs } = backlog;
  const rates = `${round(createdPerSecond)} begin and ${round(endedPerSecond)} end a second`;
  const slower = `even the quickest now takes ${formatMs(quickestMs.last)} (${formatMs(quickestMs.first)} before)`;
  return placeFinding(growingPendingAsync, {
    kind: 'backlog',
    // If others have the core, the host may be the slow part.
    severity: contended ? 'info' : 'warning',
    message: `${countText(place, alive)} calls are suspended in ${nameOf(place.location)}, ${grown} more than ${secondsText(spanMs)} earlier: ${rates}, and ${slower}.`,
    place,
    count: alive,
    confidence: contended ? CONFIDENCE.weak : CONFIDENCE.compared,
    evidence: backlogEvidence(place, backlog),
  });
}

function backlogEvidence({ last }: Place, backlog: Omit<Backlog, 'grown' | 'quickestMs'>): BacklogEvidence {
  return {
    alive: backlog.alive,
    ...estimatedOf(last),
    oldestMs: round(backlog.oldestMs),
    observedMs: round(backlog.spanMs),
    createdPerSecond: round(backlog.createdPerSecond),
    endedPerSecond: round(backlog.endedPerSecond),
    ...awaitedOf(last.entry),
  };
}

function overlapping(period: Period, recording: Seen): Finding<Evidence>[] {
  return ownAwaits(period, recording).flatMap((place) => {
    if (isLoop(place.last.entry) || isRecursive(place)) return [];
    const overlap = overlapOf(place);
    if (overlap) return [overlapFinding(place, overlap, isContended(recording, overlap.spanMs))];
    const steady = steadyOverlapOf(place);
    return steady ? [steadyFinding(place, steady, isContended(recording, steady.spanMs))] : [];
  });
}

function steadyFinding(place: Place, steady: SteadyOverlap, contended: boolean): Finding<Evidence> {
  const { everyMs, runMs, oldestMs, spanMs, runs } = steady;
  const { alive } = place.last.entry;
  return placeFinding(growingPendingAsync, {
    kind: 'overlapping-runs',
    severity: contended ? 'info' : 'warning',
    message: `The next run of ${nameOf(place.location)} always starts before the one before has ended: one starts every ${secondsText(everyMs)} and takes ${secondsText(runMs)}, ${runs} times in ${secondsText(spanMs)}.`,
    place,
    count: runs,
    confidence: contended ? CONFIDENCE.weak : CONFIDENCE.compared,
    evidence: backlogEvidence(place, {
      alive,
      oldestMs,
      spanMs,
      createdPerSecond: 1000 / everyMs,
      endedPerSecond: 1000 / everyMs,
    }),
  });
}

function overlapFinding(place: Place, overlap: Overlap, contended: boolean): Finding<Evidence> {
  const { alive, everyMs, oldestMs, spanMs } = overlap;
  const [first, last] = [place.readings[0]!.entry, place.last.entry];
  const endedPerSecond = (last.ended - first.ended) / (spanMs / 1000);
  return placeFinding(growingPendingAsync, {
    kind: 'overlapping-runs',
    severity: contended ? 'info' : 'warning',
    message: `${alive} runs of ${nameOf(place.location)} are under way at once, more and more: one starts every ${secondsText(everyMs)}, and the oldest has run for ${secondsText(oldestMs)}.`,
    place,
    count: alive,
    confidence: contended ? CONFIDENCE.weak : CONFIDENCE.compared,
    evidence: backlogEvidence(place, { alive, oldestMs, spanMs, createdPerSecond: 1000 / everyMs, endedPerSecond }),
  });
}

/** The run itself, not the calls within it, nor those of the package that starts it. */
function outermost(all: readonly Finding<Evidence>[]): Finding<Evidence>[] {
  const own = all.filter(({ location }) => location !== null && packageNameOf(location.file) === null);
  const findings = own.length > 0 ? own : all;
  return findings.filter((one) => !findings.some((other) => other !== one && isWithinRun(one, other)));
}

/** What piles up within overlapping runs is a part of that. */
function explained(pending: Finding<Evidence>[], overlaps: Finding<Evidence>[]): Finding<Evidence>[] {
  const runs = overlaps.map((run) => ({ ...run, symptoms: pending.filter((one) => isWithinRun(one, run)) }));
  return [...runs, ...pending.filter((one) => !runs.some(({ symptoms }) => symptoms.includes(one)))];
}

function isWithinRun(one: Finding, run: Finding): boolean {
  return run.location !== null && isCalledFrom(one, run.location);
}
