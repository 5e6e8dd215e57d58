import { functionKey } from '../../recording/places.ts';
import { type DeepSampleRow, type Location, rowsOf, type View } from '../../recording/types.ts';
import { maxOf } from '../../util/numbers.ts';
import { formatBytes, formatMs } from '../../util/text.ts';
import { isServed, meanOf, perSecond, SECOND_ROWS, type Second, secondsOf, totalMs } from '../busy-time.ts';
import { nameOf } from '../code-words.ts';
import { CONFIDENCE } from '../confidence.ts';
import { findingOf, fragments } from '../finding.ts';
import { BUSY_MS } from '../limits.ts';
import { nameAndLine } from '../place-findings.ts';
import { functionsOf, toStack } from '../sampled-frames.ts';
import { percent, round } from '../severity.ts';
import type { Detector, Finding, Severity } from '../types.ts';

/** Share of wall time: JMC warns at 10 %; a healthy server with much JSON takes 3–8 %. */
const WARNING_SHARE = 0.12;
/** At two fifths, little more than half of a core is left for the program. */
const CRITICAL_SHARE = 0.4;
/** Listed in the evidence; the first few make most of it. */
const MAX_PLACES = 5;

export interface GcPressureEvidence {
  /** Share of the time under pressure spent in collections. 0..1 */
  gcShare: number;
  pressedMs: number;
  allocatedBytesPerSecond?: number;
  /** "75 % copy (/srv/app.js:3)" */
  allocations: string[];
}

const READS = [...SECOND_ROWS, 'deep-sample', 'memory'] as const;
type Seen = View<(typeof READS)[number]>;

export const gcPressure: Detector<GcPressureEvidence, typeof READS> = {
  id: 'gc-pressure',
  title: 'garbage collector under pressure',
  description:
    'The garbage collector takes a large part of the time because the program allocates so much. Deep samples include sampled ' +
    'allocations and name the functions that make most of them.',
  remedy:
    'Allocate less at this place: reuse a buffer, keep one object instead of a copy per step, stream instead of collecting.',
  reads: READS,
  needs: ['event-loop-utilization', ['gc', 'memory']],
  thresholds: [
    `warning: ${percent(WARNING_SHARE)} of the time in collections, for ${BUSY_MS} ms in total, while servers, sockets or timers waited.`,
    `critical: ${percent(CRITICAL_SHARE)}.`,
  ],
  limits: [
    'V8 attributes allocations of inlined functions to their callers.',
    'Without a deep sample the finding has no line.',
  ],
  kinds: [
    {
      kind: 'allocation',
      title: 'allocation',
      remedy: 'Reuse a buffer, keep one object instead of a copy per step, stream instead of collecting.',
      example:
        'for await (const chunk of source) yield Buffer.concat([header, chunk]); // a copy per step\nfor await (const chunk of source) { yield header; yield chunk; }        // none',
    },
  ],
  detect(recording) {
    const pressed = secondsOf(recording).filter(({ gcShare }) => gcShare >= WARNING_SHARE);
    if (totalMs(pressed) < BUSY_MS) return [];
    return [toFinding(recording, pressed)];
  },
  explains: [
    { rule: 'blocked-event-loop', kinds: ['js-cpu'], isMinor: false },
    { rule: 'blocked-event-loop', kinds: ['gc'], share: 'nothing' },
    { rule: 'gc-pause', share: 'nothing' },
  ],
  words: ({ gcShare, pressedMs, allocatedBytesPerSecond }) =>
    fragments(
      `${percent(gcShare)} of ${formatMs(pressedMs)} in collections`,
      allocatedBytesPerSecond && `${formatBytes(allocatedBytesPerSecond)} allocated a second`,
    ),
};

function toFinding(recording: Seen, pressed: ReturnType<typeof secondsOf>): Finding<GcPressureEvidence> {
  const share = meanOf(pressed, ({ gcShare }) => gcShare) ?? 0;
  const ms = totalMs(pressed);
  const deepSample = rowsOf(recording, 'deep-sample').find(({ allocations }) => (allocations?.length ?? 0) > 0);
  const total = deepSample?.allocations?.reduce((sum, { bytes }) => sum + bytes, 0) ?? 0;
  const places = (deepSample?.allocations ?? []).slice(0, MAX_PLACES);
  const place = places[0] ? busiestLine(deepSample!, places[0].location) : null;
  const severity = severityOf(share, isServed(pressed));
  const where = place ? `; most is allocated in ${nameOf(place)}` : '';
  return findingOf(gcPressure, {
    severity,
    lostMs: share * ms,
    kind: 'allocation',
    message: `The garbage collector took ${percent(share)} of ${round(ms / 1000)} s${where}.`,
    remedy: gcPressure.remedy,
    location: place,
    stack:
      place && deepSample
        ? toStack(functionsOf(deepSample).find(({ location }) => sameFunction(location, place))?.frames ?? [])
        : [],
    count: pressed.reduce((sum, { gcCount }) => sum + gcCount, 0),
    times: { maxMs: round(maxOf(pressed.map(longestOf))), totalMs: round(share * ms) },
    confidence: place ? CONFIDENCE.compared : CONFIDENCE.indirect,
    evidence: {
      gcShare: round(share, 3),
      pressedMs: round(ms),
      ...(deepSample && { allocatedBytesPerSecond: Math.round(perSecond(total, deepSample.durationMs)) }),
      allocations: places.map(
        ({ bytes, location }) => `${percent(bytes / Math.max(1, total))} ${nameAndLine(location)}`,
      ),
    },
  });
}

/** Of one collection: at least the mean, where the longest may have waited for a core. */
function longestOf({ gcMaxMs, gcShare, gcCount, intervalMs }: Second): number {
  return Math.max(gcMaxMs, (gcShare * intervalMs) / Math.max(1, gcCount));
}

/** V8 reports the function that allocates; the line is the one that stacks saw most often in it, if any did. */
function busiestLine(deepSample: DeepSampleRow, place: Location): Location {
  return functionsOf(deepSample).find(({ location }) => sameFunction(location, place))?.location ?? place;
}

function sameFunction(a: Location, b: Location): boolean {
  return functionKey(a) === functionKey(b);
}

function severityOf(share: number, served: boolean): Severity {
  if (!served) return 'info';
  return share >= CRITICAL_SHARE ? 'critical' : 'warning';
}
