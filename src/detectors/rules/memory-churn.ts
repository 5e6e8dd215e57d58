import { functionKey, toLocation } from '../../recording/places.ts';
import { type DeepSampleRow, type Frame, type Location, rowsOf, type View } from '../../recording/types.ts';
import { formatBytes, plural } from '../../util/text.ts';
import { perSecond, waitingIn } from '../busy-time.ts';
import { nameOf } from '../code-words.ts';
import { CONFIDENCE } from '../confidence.ts';
import { findingOf } from '../finding.ts';
import { innermost, toStack } from '../sampled-frames.ts';
import { percent, round } from '../severity.ts';
import type { Detector, Finding } from '../types.ts';

/** Share of the stacks of a busy deep sample in Node's functions that copy Buffers, called from one function. */
const COPYING_SHARE = 0.3;
/** 30 % of 20 stacks are six: chance makes two or three. */
const LEAST_BUSY_SAMPLES = 20;
/** Share of all stacks: the loop is busy most of the time. */
const BUSY_SHARE = 0.5;
/** A server that parses JSON allocates 20–80 MB a second. */
const BYTES_PER_SECOND = 150e6;
/** Share of these by one function. */
const ONE_SHARE = 0.4;
/** The functions of node:buffer that copy, and the built-in that does the work for them. */
const COPIES = /^(concat|copy|_copy|_copyActual|copyImpl|from|fromArrayLike|fromStringFast|fill|_fill|alloc|set)$/;

const COPYING =
  'Pass chunks on as they come (pipeline, for await), or keep them in an array and join them once at the end; a part of a Buffer is a view: subarray.';
const ALLOCATION = 'Make the object once and use it again, or work on typed arrays; avoid a copy for each step.';

interface CopyingEvidence {
  /** Of the stacks of a busy deep sample. 0..1 */
  copyingShare: number;
  /** "Buffer.concat" */
  call: string;
  stacks: number;
}

interface AllocatingEvidence {
  perSecondBytes: number;
  /** Share by the one function. 0..1 */
  share: number;
}

type MemoryChurnEvidence = CopyingEvidence | AllocatingEvidence;

const READS = ['active-resources', 'deep-sample'] as const;
type Seen = View<(typeof READS)[number]>;

export const memoryChurn: Detector<MemoryChurnEvidence, typeof READS> = {
  id: 'memory-churn',
  title: 'short-lived memory',
  description:
    "Much memory is allocated only to be collected soon after. Copies of Buffers, which are outside of V8's heap, show in the " +
    'stacks of a deep sample; objects show in its sampled allocations. What the collector costs is reported by gc-pressure.',
  remedy: COPYING,
  reads: READS,
  needs: ['deep-sample'],
  thresholds: [
    `warning: ${percent(COPYING_SHARE)} of the stacks of a busy deep sample (${LEAST_BUSY_SAMPLES} or more) copy Buffers for one function, while servers, sockets or timers waited.`,
    `info: ${BYTES_PER_SECOND / 1e6} MB a second allocated, ${percent(ONE_SHARE)} of them by one function.`,
  ],
  limits: ['Needs a deep sample of a busy thread.'],
  kinds: [
    {
      kind: 'copying',
      title: 'copies of Buffers',
      remedy: COPYING,
      example:
        'body = Buffer.concat([body, chunk]);        // copies all that came before, for each chunk\nparts.push(chunk); /* at the end */ Buffer.concat(parts);  // once',
    },
    {
      kind: 'allocation',
      title: 'objects that live for a moment',
      remedy: ALLOCATION,
      example: 'const point = { x, y };   // for each step\npoint.x = x; point.y = y; // one for all',
    },
  ],
  detect(recording) {
    const isSeen = rowsOf(recording, 'deep-sample').some(
      ({ samples, allocations }) => samples > 0 || allocations !== null,
    );
    if (!isSeen) return { noData: 'no deep sample took a stack' };
    return [...copying(recording), ...allocating(recording)];
  },
  explains: [
    { of: ['copying'], rule: 'gc-pressure' },
    { of: ['copying'], rule: 'growing-heap', kinds: ['old-space'], share: 'nothing' },
    { of: ['copying'], rule: 'growing-external-memory', share: 'nothing' },
  ],
  words: (evidence) =>
    'call' in evidence
      ? [`${percent(evidence.copyingShare)} of the busy time`, plural(evidence.stacks, 'stack')]
      : [`${formatBytes(evidence.perSecondBytes)} a second`, `${percent(evidence.share)} by one function`],
};

function copying(recording: Seen): Finding<MemoryChurnEvidence>[] {
  const found = rowsOf(recording, 'deep-sample').flatMap((deepSample) => {
    const busy = deepSample.busySamples >= Math.max(LEAST_BUSY_SAMPLES, deepSample.samples * BUSY_SHARE);
    return busy ? copiesIn(deepSample).filter(({ share }) => share >= COPYING_SHARE) : [];
  });
  const byFunction = new Map<string, (typeof found)[number]>();
  for (const one of found) {
    const key = functionKey(one.location);
    if (one.share > (byFunction.get(key)?.share ?? 0)) byFunction.set(key, one);
  }
  return [...byFunction.values()].map((one) =>
    findingOf<MemoryChurnEvidence>(memoryChurn, {
      severity: waitingIn(recording, [one.deepSample]) > 0 ? 'warning' : 'info',
      lostMs: one.share * one.deepSample.durationMs,
      kind: 'copying',
      message: `${percent(one.share)} of the busy time went to copies of Buffers (${one.call}) made in ${nameOf(one.location)}.`,
      location: one.location,
      stack: toStack(one.frames),
      count: one.count,
      confidence: CONFIDENCE.compared,
      evidence: { copyingShare: round(one.share, 2), call: one.call, stacks: one.count },
    }),
  );
}

interface Copies {
  deepSample: DeepSampleRow;
  location: Location;
  call: string;
  count: number;
  share: number;
  frames: readonly Frame[];
}

/** By the user's own function that called what copies. */
function copiesIn(deepSample: DeepSampleRow): Copies[] {
  const total = deepSample.stacks.reduce((sum, { count }) => sum + count, 0);
  const copies = new Map<string, Omit<Copies, 'share'>>();
  for (const { count, frames } of deepSample.stacks) {
    const frame = innermost(frames);
    const call = frame ? copyAbove(frames.slice(0, frames.indexOf(frame))) : null;
    if (!frame || call === null) continue;
    const key = functionKey(frame);
    const known = copies.get(key);
    if (known) known.count += count;
    else copies.set(key, { deepSample, location: toLocation(frame), call, count, frames });
  }
  return [...copies.values()].map((one) => ({ ...one, share: one.count / Math.max(1, total) }));
}

/**
 * The function of node:buffer that the user called, if it copies: "Buffer.concat". What Node's other modules do with
 * Buffers does not count: in gzipSync, whose native part cannot be interrupted, a stack shows what comes after it.
 */
function copyAbove(above: readonly Frame[]): string | null {
  const called = above.findLast(({ file }) => file !== '');
  if (called?.file !== 'node:buffer' && called?.file !== 'node:internal/buffer') return null;
  const name = called.function.replace(/^.*[. ]/, '');
  return COPIES.test(name) ? `Buffer.${name}` : null;
}

function allocating(recording: Seen): Finding<MemoryChurnEvidence>[] {
  return rowsOf(recording, 'deep-sample')
    .flatMap((deepSample) => {
      const [top] = deepSample.allocations ?? [];
      const total = deepSample.allocations?.reduce((sum, { bytes }) => sum + bytes, 0) ?? 0;
      const rate = perSecond(total, deepSample.durationMs);
      if (!top || rate < BYTES_PER_SECOND || top.bytes < total * ONE_SHARE) return [];
      return [
        findingOf<MemoryChurnEvidence>(memoryChurn, {
          severity: 'info',
          lostMs: deepSample.durationMs,
          kind: 'allocation',
          message: `${formatBytes(rate)} a second are allocated, ${percent(top.bytes / total)} of them in ${nameOf(top.location)}.`,
          location: top.location,
          count: 1,
          confidence: CONFIDENCE.indirect,
          evidence: { perSecondBytes: Math.round(rate), share: round(top.bytes / total, 2) },
        }),
      ];
    })
    .slice(0, 1);
}
