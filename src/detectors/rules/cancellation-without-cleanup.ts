import { functionKey, lineKey } from '../../recording/places.ts';
import { type AbortedRow, type Location, rowsOf } from '../../recording/types.ts';
import { groupBy } from '../../util/group-by.ts';
import { maxOf } from '../../util/numbers.ts';
import { formatMs, plural } from '../../util/text.ts';
import { nameOf } from '../code-words.ts';
import { CONFIDENCE } from '../confidence.ts';
import { findingOf } from '../finding.ts';
import { KEEPS_MEMORY } from '../heap-growth.ts';
import { LOST_MS, round, secondsText } from '../severity.ts';
import type { Detector, Finding } from '../types.ts';
import { isPooledVia } from '../waits.ts';

/** One may have ended a moment later; two at one line are a pattern. */
const UNITS = 2;
/** If it keeps the process alive this long after the abort, nobody will end it. */
const HELD_MS = 1000;

/** What people call Node's resources, and how each is ended, by type. Programs may have types of their own. */
const WORDS: ReadonlyMap<string, { what: string; cure: string }> = new Map(
  Object.entries({
    Timeout: {
      what: 'timer',
      cure: 'clear the timer (`clearTimeout`, or `setTimeout` of timers/promises with the signal)',
    },
    TCPWRAP: { what: 'socket', cure: 'destroy the socket' },
    TLSWRAP: { what: 'socket', cure: 'destroy the socket' },
    PIPEWRAP: { what: 'socket', cure: 'destroy the socket' },
    UDPWRAP: { what: 'socket', cure: 'close the socket' },
    HTTPCLIENTREQUEST: { what: 'request', cure: 'pass the signal to the request' },
    FILEHANDLE: { what: 'file', cure: 'close the file' },
    FSEVENTWRAP: { what: 'watcher', cure: 'close the watcher' },
    STATWATCHER: { what: 'watcher', cure: 'close the watcher' },
    TCPSERVERWRAP: { what: 'server', cure: 'close the server' },
    WORKER: { what: 'worker', cure: 'terminate the worker' },
    PROCESSWRAP: { what: 'child process', cure: 'pass the signal to the child process' },
  }),
);

export interface CleanupEvidence {
  /** Of work that was aborted. */
  units: number;
  /** Of the oldest leftover. */
  ageMs: number;
  leftovers: (Location & { type: string; count: number })[];
  /** file:line:column */
  abortedAt?: string;
  scope?: string;
}

const READS = ['aborted', 'unfinished'] as const;

export const cancellationWithoutCleanup: Detector<CleanupEvidence, typeof READS> = {
  id: 'cancellation-without-cleanup',
  title: 'cancellation without cleanup',
  description:
    'An AbortSignal was aborted, and resources that the same unit of work had opened are still there: timers, sockets, files, ' +
    'workers, child processes. Aborting only notifies; the code that listens must clean up.',
  remedy: 'Pass the signal down to whatever takes one, and close the rest in a finally block.',
  reads: READS,
  needs: [['aborted', 'unfinished']],
  thresholds: [
    `warning: ${UNITS} aborted units of work that each left something made at the same line, or one that left something referenced for ${HELD_MS} ms, made by a function that was given the signal.`,
    'info: less.',
  ],
  limits: [
    "Sockets that went back to an HTTP client's pool are not reported.",
    'Only what was opened and cancelled while it was followed without a pause is known: where following costs more than the budget (EVDIAG_BUDGET), that is some seconds at most.',
  ],
  kinds: [
    {
      kind: 'leftover',
      title: 'resources of aborted work',
      remedy: 'Pass the signal down to whatever takes one, and close the rest in a finally block.',
      example:
        'const socket = connect(port); const timer = setInterval(ping, 100);     // the signal ends the await, not these\ntry { await work(signal); } finally { clearInterval(timer); socket.destroy(); }',
    },
  ],
  detect(recording) {
    const leftovers = rowsOf(recording, 'aborted').flatMap(leftoversOf);
    return groups(leftovers).map(toFinding);
  },
  explains: [{ rule: 'unbounded-concurrency' }, ...KEEPS_MEMORY],
  words: ({ ageMs, leftovers }) => [
    plural(
      leftovers.reduce((sum, { count }) => sum + count, 0),
      'leftover',
    ),
    `the oldest ${formatMs(ageMs)} old`,
  ],
};

interface Leftover {
  row: AbortedRow;
  type: string;
  location: Location;
  callers: Location[];
  referenced: boolean;
  linked?: boolean;
  ageMs: number;
}

/** An idle socket that went back to its pool is no leftover. */
function leftoversOf(row: AbortedRow): Leftover[] {
  return row.leftovers.flatMap(({ location, via, ...left }) =>
    location === null || (isPooledVia(via) && !left.referenced) ? [] : [{ ...left, location, row }],
  );
}

/** What one function leaves, or one scope: the cure is one finally block. */
function groups(leftovers: readonly Leftover[]): Leftover[][] {
  const byKey = new Map<string, Leftover[]>();
  for (const leftover of leftovers) {
    const keys = [
      functionKey(leftover.location),
      ...(leftover.row.scope ? [`scope ${lineKey(leftover.row.scope)}`] : []),
    ];
    const joined = new Set(keys.map((key) => byKey.get(key)).filter((group) => group !== undefined));
    const [group = [], ...others] = joined;
    group.push(leftover, ...others.flat());
    for (const [key, other] of byKey) if (others.includes(other)) byKey.set(key, group);
    for (const key of keys) byKey.set(key, group);
  }
  return [...new Set(byKey.values())];
}

function toFinding(group: readonly Leftover[]): Finding<CleanupEvidence> {
  const byPlace = placesIn(group);
  const units = new Set(group.map(({ row }) => row)).size;
  const repeated = byPlace.some((same) => new Set(same.map(({ row }) => row)).size >= UNITS);
  const held = group.some(
    ({ referenced, linked, ageMs, row }) => referenced && linked !== false && Math.min(ageMs, row.sinceMs) >= HELD_MS,
  );
  const severity = repeated || held ? 'warning' : 'info';
  const { location, callers, row } = byPlace[0]![0]!;
  const ageMs = maxOf(group.map((leftover) => leftover.ageMs));
  return findingOf(cancellationWithoutCleanup, {
    severity,
    lostMs: ageMs + group.length * LOST_MS.unit,
    kind: 'leftover',
    message: `${plural(units, 'aborted unit')} of work of ${nameOf(row.scope ?? location)} left ${listOf(byPlace.map(countText))} behind, the oldest ${secondsText(ageMs)} old.`,
    remedy: `Clean up in a finally block when the signal aborts: ${listOf([...new Set(group.map(cureOf))])}.`,
    location,
    stack: [location, ...callers],
    count: units,
    confidence: repeated ? CONFIDENCE.agreeing : CONFIDENCE.sampled,
    evidence: {
      units,
      ageMs: round(ageMs),
      leftovers: byPlace.map((same) => ({ type: same[0]!.type, ...same[0]!.location, count: same.length })),
      ...(row.abortedAt && { abortedAt: lineKey(row.abortedAt) }),
      ...(row.scope && { scope: lineKey(row.scope) }),
    },
  });
}

/** Leftovers by line and type, most first. */
function placesIn(group: readonly Leftover[]): Leftover[][] {
  const byPlace = groupBy(group, ({ type, location }) => `${type} ${lineKey(location)}`);
  return [...byPlace.values()].sort((a, b) => b.length - a.length);
}

function countText(same: readonly Leftover[]): string {
  const what = WORDS.get(same[0]!.type)?.what;
  if (what === undefined) return plural(same.length, same[0]!.type || 'handle');
  return plural(same.length, what, what.endsWith('process') ? `${what}es` : `${what}s`);
}

function cureOf({ type }: Leftover): string {
  return WORDS.get(type)?.cure ?? `close the ${type || 'handle'}`;
}

/** "a timer, 2 sockets and a file" */
function listOf(texts: readonly string[]): string {
  return texts.length < 2 ? texts.join('') : `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)}`;
}
