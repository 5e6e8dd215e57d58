import { lineKey } from '../../recording/places.ts';
import { type ConnectionsEntry, type LookupsEntry, rowsOf, type View } from '../../recording/types.ts';
import { formatMs, formatShare, plural } from '../../util/text.ts';
import { nameOf } from '../code-words.ts';
import { CONFIDENCE } from '../confidence.ts';
import { findingOf, fragments } from '../finding.ts';
import { LEAST_SPAN_MS, POOL_THREADS } from '../limits.ts';
import { onePerLine } from '../place-findings.ts';
import { percent, round, secondsText } from '../severity.ts';
import type { Detector, Finding } from '../types.ts';

/** Fewer are the connections of a pool that come and go. */
const REPEATED = 20;
/** A look-up for each request, rather than one now and then. */
const PER_SECOND = 1;
/** And together they took this long, */
const TOTAL_MS = 50;
/** which is this share of the time: names of the machine itself are read from a file, within a ms. */
const TOTAL_SHARE = 0.01;

const REMEDY =
  'Keep the answer for a minute (a cache of names, or an agent that keeps its connections, which need no look-up), and hand it to the client by its option `lookup`.';

export interface LookupEvidence {
  name: string;
  /** `lookup`, on the thread pool, or Node's name of a query. */
  api: string;
  lookups: number;
  /** Of these, begun while an answer of the last minute was known. */
  repeated: number;
  totalMs: number;
  maxMs: number;
  /** Of the thread pool's time, a share of one; null for queries, which do not need it. */
  poolShare: number | null;
  /** Of the time until answers of the host began, a share of one; null if its requests were not seen. */
  requestShare: number | null;
}

const READS = ['unfinished', 'lookups', 'connections'] as const;
type Seen = View<(typeof READS)[number]>;

export const repeatedLookups: Detector<LookupEvidence, typeof READS> = {
  id: 'repeated-lookups',
  title: 'names looked up again and again',
  description:
    'The same name is looked up again and again within the minute for which an answer is commonly kept. Node keeps none: each `dns.lookup` takes a ' +
    'thread of the pool, each query a round trip to the name server, and whatever waits for it takes as much longer.',
  remedy: REMEDY,
  reads: READS,
  needs: ['unfinished'],
  thresholds: [
    `warning: ${REPEATED} look-ups of one name while an answer of the last minute was known, ${PER_SECOND} in a second or more over ${secondsText(LEAST_SPAN_MS)} or longer, which took ${TOTAL_MS} ms and ${percent(TOTAL_SHARE)} of the time together.`,
    'info: the same, where they took less.',
  ],
  limits: ['Look-ups that fail are not counted, and neither are those that a package does without node:dns.'],
  kinds: [
    {
      kind: 'same-name',
      title: 'the same name again and again',
      remedy: REMEDY,
      example:
        "const { address } = await lookup('orders.internal');           // before each call\nconst known = new Map();                                        // name → address, for a minute\nconst address = known.get(name) ?? (await lookUpAndKeep(name));",
    },
  ],
  detect: (recording) => onePerLine(largest(recording).flatMap((entry) => toFinding(recording, entry) ?? [])),
  words: ({ lookups, totalMs, poolShare }) =>
    fragments(
      plural(lookups, 'look-up'),
      `${formatMs(totalMs)} together`,
      poolShare !== null && poolShare >= 0.01 && `${formatShare(poolShare)} of the thread pool`,
    ),
};

function largest(recording: Seen): LookupsEntry[] {
  const byName = new Map<string, LookupsEntry>();
  for (const { entries } of rowsOf(recording, 'lookups')) {
    for (const entry of entries) {
      const key = `${entry.api} ${entry.name} ${entry.location ? lineKey(entry.location) : ''}`;
      const other = byName.get(key);
      if (!other || entry.repeated >= other.repeated) byName.set(key, entry);
    }
  }
  return [...byName.values()];
}

function toFinding(recording: Seen, entry: LookupsEntry): Finding<LookupEvidence> | null {
  const { name, api, location, callers, count, repeated, totalMs, maxMs, spanMs } = entry;
  const isOften = repeated >= REPEATED && spanMs >= LEAST_SPAN_MS && repeated >= (spanMs / 1000) * PER_SECOND;
  if (!isOften) return null;
  const threads = recording.header.threadPoolSize ?? POOL_THREADS;
  const poolShare = api === 'lookup' ? toShare(totalMs / (spanMs * threads)) : null;
  const requestShare = shareOfRequests(recording, name, totalMs / count);
  const whose = location ? nameOf(location) : 'The program';
  const share = requestShare === null ? '' : `, ${formatShare(requestShare)} of the time of its requests`;
  return findingOf(repeatedLookups, {
    kind: 'same-name',
    severity: totalMs >= Math.max(TOTAL_MS, spanMs * TOTAL_SHARE) ? 'warning' : 'info',
    message: `${whose} looked up ${name} ${count} times within ${secondsText(spanMs)}, ${repeated} times while an answer was known, for ${formatMs(totalMs)} together${share}.`,
    location,
    stack: location ? [location, ...callers] : [],
    count: repeated,
    confidence: location ? CONFIDENCE.counted : CONFIDENCE.indirect,
    times: { maxMs: round(maxMs), totalMs: round(totalMs) },
    evidence: {
      ...{ name, api, lookups: count, repeated, totalMs: round(totalMs), maxMs: round(maxMs) },
      ...{ poolShare, requestShare },
    },
    lostMs: totalMs,
  });
}

/** Of the time until an answer of this host begins, what one look-up takes; null if its requests are not known. */
function shareOfRequests(recording: Seen, name: string, meanMs: number): number | null {
  const entries = rowsOf(recording, 'connections').flatMap((row) => row.entries);
  const found = entries.findLast(
    (entry: ConnectionsEntry) => hostOf(entry.origin) === name && entry.requestMs !== null,
  );
  return found?.requestMs ? toShare(meanMs / found.requestMs) : null;
}

function hostOf(origin: string): string {
  return /\/\/([^:/]*)/.exec(origin)?.[1] ?? '';
}

function toShare(value: number): number {
  return Number(Math.min(1, value).toFixed(3));
}
