import { rowsOf, type View } from '../../recording/types.ts';
import { formatBytes, formatMs, formatShare } from '../../util/text.ts';
import { CONFIDENCE } from '../confidence.ts';
import type { HeapGrowth } from '../early-growth.ts';
import { findingOf, fragments } from '../finding.ts';
import { GOES_ON, goesOn } from '../goes-on.ts';
import {
  HEAP_RISE,
  HEAP_ROWS,
  heapGrowthOf,
  LEAST_COLLECTIONS,
  type MemoryGrowthEvidence,
  memoryGrowthEvidence,
  memoryGrowthWords,
} from '../heap-growth.ts';

import { percent, round, secondsText } from '../severity.ts';
import type { Detector, Finding } from '../types.ts';
import { fewCollections } from '../unseen.ts';

/** Share of the heap's limit after a major collection: from some 90 % on, Node spends most of its time collecting. */
const NEAR_SHARE = 0.85;
/** Above 90 % V8 collects nearly all the time; with a margin for the last reading. */
const CRITICAL_SHARE = 0.93;
/** Share of the container's memory: the kernel ends the process at 100 %, without a message. */
const CONTAINER_SHARE = 0.9;

/** What the end of the process counts in the score: as much as 10 s of a blocked loop. */
const NEAR_LOST_MS = 10_000;

const GROWS =
  'Find what keeps the objects: evdiag leaks PID names the variable or listener that holds them; bound each cache, and undo each subscription.';
const NEAR =
  'Give the heap room while you look for what fills it: --max-old-space-size=MB, below the memory of the container or machine.';
const CONTAINER =
  'Give the container more memory, or the process less: a lower --max-old-space-size makes V8 collect earlier; Buffers count beside it.';

interface GrowthOfHeap extends MemoryGrowthEvidence {
  /** Until the limit is reached, at this rate. */
  limitReachedInMs?: number;
}

interface NearHeapLimit {
  aliveBytes: number;
  limitBytes: number;
  limitShare: number;
}

interface NearContainerLimit {
  residentBytes: number;
  limitBytes: number;
  limitShare: number;
}

export type HeapEvidence = GrowthOfHeap | NearHeapLimit | NearContainerLimit;

const READS = HEAP_ROWS;
type Seen = View<(typeof READS)[number]>;

export const growingHeap: Detector<HeapEvidence, typeof READS> = {
  id: 'growing-heap',
  title: 'growing heap',
  description:
    'More memory is alive after each major collection than after the one before, and the load does not explain it; or so much is ' +
    'alive that a limit is near. A sawtooth, a cache that fills up and then stays, a warm-up and a heap that is large from the ' +
    'beginning do not count as growth.',
  remedy: GROWS,
  reads: READS,
  needs: [['gc', 'memory']],
  thresholds: [
    `warning: ${HEAP_RISE}; info ${GOES_ON}.`,
    `warning: ${percent(NEAR_SHARE)} of the heap's limit alive after a major collection; critical: ${percent(CRITICAL_SHARE)}.`,
    `warning: ${percent(CONTAINER_SHARE)} of the container's memory resident.`,
  ],
  limits: [
    'There is no line; leak-suspect and `evdiag leaks` name one.',
    fewCollections(
      `Needs at least ${LEAST_COLLECTIONS} major collections, or memory that multiplies, so short recordings of a slow leak say nothing.`,
      LEAST_COLLECTIONS,
    ),
  ],
  kinds: [
    {
      kind: 'old-space',
      title: 'more objects after each major collection',
      remedy: GROWS,
      example:
        'cache.set(key, page);                                             // grows with each new key\nif (cache.size > 500) cache.delete(cache.keys().next().value);    // the oldest goes',
    },
    {
      kind: 'near-limit',
      remedy: NEAR,
      title: "a heap near V8's limit",
      example:
        'node app.js                            // ends with "heap out of memory"\nnode --max-old-space-size=3072 app.js  // of 4 GB',
    },
    {
      kind: 'near-container-limit',
      remedy: CONTAINER,
      title: "memory near the container's limit",
      example:
        'docker run -m 512m app                                     // ended by the kernel\ndocker run -m 512m app node --max-old-space-size=320 app.js // V8 collects before',
    },
  ],
  detect(recording) {
    const growth = heapGrowthOf(recording, 'oldBytes');
    return [...(growth ? [grows(recording, growth)] : []), ...nearLimit(recording), ...nearContainerLimit(recording)];
  },
  words: (evidence) => {
    if ('limitShare' in evidence) return [`${formatShare(evidence.limitShare)} of ${formatBytes(evidence.limitBytes)}`];
    const { limitReachedInMs } = evidence;
    return [
      ...memoryGrowthWords(evidence),
      ...fragments(limitReachedInMs !== undefined && `the limit in ${formatMs(limitReachedInMs)}`),
    ];
  },
};

function grows(recording: Seen, growth: HeapGrowth): Finding<HeapEvidence> {
  const { fromBytes, toBytes, spanMs, collections, bytesPerSecond } = growth;
  const limit = limitOf(recording);
  const leftMs = bytesPerSecond > 0 ? (Math.max(0, limit - toBytes) / bytesPerSecond) * 1000 : 0;
  return findingOf<HeapEvidence>(growingHeap, {
    severity: goesOn(recording) ? 'warning' : 'info',
    kind: 'old-space',
    lostMs: spanMs,
    location: null,
    message: `Memory that survives ${collections >= LEAST_COLLECTIONS ? 'a major collection' : 'collections'} grew from ${formatBytes(fromBytes)} to ${formatBytes(toBytes)} within ${secondsText(spanMs)}.`,
    count: collections,
    confidence: CONFIDENCE.indirect,
    evidence: { ...memoryGrowthEvidence(growth), ...(limit > 0 && { limitReachedInMs: round(leftMs, 0) }) },
  });
}

function nearLimit(recording: Seen): Finding<HeapEvidence>[] {
  const alive = rowsOf(recording, 'gc').findLast(({ afterMajor }) => afterMajor);
  const limit = limitOf(recording);
  const bytes = alive?.afterMajor?.oldBytes ?? 0;
  if (!alive || limit <= 0 || bytes < limit * NEAR_SHARE) return [];
  const share = bytes / limit;
  return [
    findingOf<HeapEvidence>(growingHeap, {
      severity: share >= CRITICAL_SHARE ? 'critical' : 'warning',
      kind: 'near-limit',
      lostMs: NEAR_LOST_MS,
      location: null,
      message: `${formatBytes(bytes)} are alive after a major collection, ${formatShare(share)} of the heap's limit; at the limit Node ends the process.`,
      count: 1,
      confidence: CONFIDENCE.counted,
      evidence: { aliveBytes: bytes, limitBytes: limit, limitShare: round(share, 3) },
    }),
  ];
}

function nearContainerLimit(recording: Seen): Finding<HeapEvidence>[] {
  const limit = recording.header.containerMemoryBytes;
  const bytes = rowsOf(recording, 'memory').at(-1)?.rssBytes ?? 0;
  if (!limit || limit <= 0 || bytes < limit * CONTAINER_SHARE) return [];
  const share = bytes / limit;
  return [
    findingOf<HeapEvidence>(growingHeap, {
      severity: 'warning',
      kind: 'near-container-limit',
      lostMs: NEAR_LOST_MS,
      location: null,
      message: `The process holds ${formatBytes(bytes)}, ${formatShare(share)} of the container's memory; at the limit the kernel ends it.`,
      count: 1,
      confidence: CONFIDENCE.compared,
      evidence: { residentBytes: bytes, limitBytes: limit, limitShare: round(share, 3) },
    }),
  ];
}

/** Of the old generation, if known; 0 if not. */
function limitOf(recording: Seen): number {
  const last = rowsOf(recording, 'memory').at(-1);
  return last?.oldLimitBytes ?? last?.heapLimitBytes ?? 0;
}
