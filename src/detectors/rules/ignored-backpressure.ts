import type { StreamUse, View } from '../../recording/types.ts';
import { maxOf } from '../../util/numbers.ts';
import { formatBytes, formatCount, plural } from '../../util/text.ts';
import { nameOf } from '../code-words.ts';
import { CONFIDENCE } from '../confidence.ts';
import { findingOf, fragments } from '../finding.ts';
import { KEEPS_MEMORY } from '../heap-growth.ts';
import { onePerLine } from '../place-findings.ts';
import { LOST_MS, secondsText } from '../severity.ts';
import { observedMs, spanOf, total, type UseOverTime, usesByPlace } from '../transfer-places.ts';
import type { Detector, Finding } from '../types.ts';

/** A stream asks to wait from 16 or 64 kB on; a hundred times that in one buffer is not a burst that is about to leave. */
const LARGEST_BYTES = 1e6;
/** More than many streams hold for a moment, and enough to be seen in the memory of the process. */
const GROWN_BYTES = 8e6;
/** Growth in so many readings, about one a second. */
const GROWING_ROWS = 3;
/** Where it ebbs in between, the reader keeps up. */
const EBB_SHARE = 0.8;
/** At once: no reader had to be slow for that. */
const BURST_BYTES = 64e6;
/** One large write is not many that do not wait. */
const LEAST_WRITES = 100;
/** Objects have no size; each is taken for as much as a small message. */
const OBJECT_BYTES = 200;

const REMEDY =
  "Stop where `write` returns false, and go on at 'drain': `pipeline` does it, or `if (!stream.write(chunk)) await once(stream, 'drain')`. A peer that never reads needs a limit after which it is disconnected, or what it misses is left out.";

export interface BackpressureEvidence {
  /** Class of the stream with most. */
  stream: string;
  streams: number;
  /** Writes that did not wait. */
  ignoredWrites: number;
  /** In the buffers at the end, and at most; of streams of objects, objects. */
  buffered: number;
  peak: number;
  objects: boolean;
}

const READS = ['transfers'] as const;

export const ignoredBackpressure: Detector<BackpressureEvidence, typeof READS> = {
  id: 'ignored-backpressure',
  title: 'ignored back-pressure',
  description:
    'One line writes to a stream faster than the other side takes it, and does not wait: `write` has returned false, and the next write comes ' +
    "before 'drain'. All of it waits in the memory of the process, which grows until the reader is done or the process is killed.",
  remedy: REMEDY,
  reads: READS,
  needs: ['transfers'],
  thresholds: [
    `growing: ${formatBytes(GROWN_BYTES)} in the buffers of the streams to which one line writes, ${formatBytes(LARGEST_BYTES)} in one of them, in ${GROWING_ROWS} readings without an ebb.`,
    `burst: ${formatBytes(BURST_BYTES)} in the buffers at once, of ${LEAST_WRITES} writes that did not wait.`,
  ],
  limits: [
    'Streams of the package readable-stream that do not end in one of Node are not seen.',
    `The size of objects is not known: each counts as ${OBJECT_BYTES} bytes.`,
  ],
  kinds: [
    {
      kind: 'growing',
      title: 'buffers that grow',
      remedy: REMEDY,
      example:
        "for await (const row of rows) socket.write(row);                          // waits for the rows, not for the reader\nfor await (const row of rows) if (!socket.write(row)) await once(socket, 'drain');\nawait pipeline(rows, socket);                                             // the same",
    },
    {
      kind: 'burst',
      title: 'everything written at once',
      remedy: REMEDY,
      example:
        'for (const row of million) file.write(row);                               // all of it in memory\nawait pipeline(Readable.from(million), file);                             // 16 kB of it',
    },
  ],
  detect: (recording: View<'transfers'>) =>
    onePerLine(
      usesByPlace(
        recording,
        ({ streams }) => streams,
        ({ objects }) => (objects ? 'objects' : 'bytes'),
      ).flatMap(judged),
    ),
  explains: [...KEEPS_MEMORY],
  words: ({ buffered, peak, objects, ignoredWrites, streams }) =>
    fragments(
      `${amount(peak, objects)} buffered at most, ${amount(buffered, objects)} at the end`,
      `${formatCount(ignoredWrites)} writes did not wait`,
      plural(streams, 'stream'),
    ),
};

function amount(buffered: number, objects: boolean): string {
  return objects ? `${formatCount(buffered)} objects` : formatBytes(buffered);
}

type Uses = UseOverTime<StreamUse>['uses'];

function judged(place: UseOverTime<StreamUse>): Finding<BackpressureEvidence>[] {
  const growing = longestGrowth(place.uses);
  if (growing) return [toFinding(place, growing, 'growing')];
  const bursts = place.uses.filter(
    ({ use }) => bytesOf(use, use.peakBytes) >= BURST_BYTES && use.ignored >= LEAST_WRITES,
  );
  return bursts.length > 0 ? [toFinding(place, bursts, 'burst')] : [];
}

/** The readings of the growth that reached most; null if none is long and large enough. */
function longestGrowth(uses: Uses): Uses | null {
  let run: Uses = [];
  let best: Uses | null = null;
  for (const one of uses) {
    const before = run.at(-1);
    const ebbed = before && one.use.bufferedBytes < before.use.bufferedBytes * EBB_SHARE;
    // A row that is missing had nothing to tell: it was empty then.
    const missed = before && one.row.t - before.row.t > one.row.intervalMs * 2;
    if (ebbed || missed) run = [];
    run = [...run, one];
    const { use } = one;
    const isLarge = bytesOf(use, use.bufferedBytes) >= GROWN_BYTES && bytesOf(use, use.largestBytes) >= LARGEST_BYTES;
    const grows = run.length >= GROWING_ROWS && use.bufferedBytes > run[0]!.use.bufferedBytes;
    const writes = total(run, ({ use: { ignored } }) => ignored);
    if (isLarge && grows && writes >= LEAST_WRITES) best = run;
  }
  return best;
}

function bytesOf({ objects }: StreamUse, buffered: number): number {
  return objects ? buffered * OBJECT_BYTES : buffered;
}

function toFinding(
  { location }: UseOverTime<StreamUse>,
  uses: Uses,
  kind: 'growing' | 'burst',
): Finding<BackpressureEvidence> {
  const last = uses.at(-1)!.use;
  const objects = last.objects === true;
  const buffered = Math.round(last.bufferedBytes);
  const peak = Math.round(maxOf(uses.map(({ use }) => use.peakBytes)));
  const streams = maxOf(uses.map((one) => one.use.streams));
  const ignoredWrites = Math.round(total(uses, ({ use }) => use.ignored));
  const what = streams === 1 ? `a ${last.stream || 'stream'} that was full` : `${streams} streams that were full`;
  const held = amount(kind === 'burst' ? peak : buffered, objects);
  return findingOf(ignoredBackpressure, {
    kind,
    severity: 'warning',
    message: `${formatCount(ignoredWrites)} writes of ${nameOf(location)} to ${what} did not wait for 'drain' in ${secondsText(observedMs(uses))}: ${held} waited in memory.`,
    location,
    stack: [location, ...last.callers],
    count: streams,
    confidence: CONFIDENCE.counted,
    span: spanOf(uses),
    evidence: { stream: last.stream, streams, ignoredWrites, buffered, peak, objects },
    lostMs: streams * LOST_MS.unit,
  });
}
