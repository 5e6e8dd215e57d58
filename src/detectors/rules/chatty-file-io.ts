import { type FileUse, rowsOf, type View } from '../../recording/types.ts';
import { formatBytes, formatCount } from '../../util/text.ts';
import { nameOf } from '../code-words.ts';
import { CONFIDENCE } from '../confidence.ts';
import { findingOf, fragments } from '../finding.ts';
import { onePerLine } from '../place-findings.ts';
import { percent, round, secondsText } from '../severity.ts';
import { observedMs, spanOf, total, type UseOverTime, usesByPlace } from '../transfer-places.ts';
import type { Detector, Finding } from '../types.ts';

/** Each takes some 50 to 100 µs of the thread and a way through the thread pool: so many are a good part of a core, and more than a log of a usual server has. */
const LEAST_PER_SECOND = 300;
/** At that rate, five seconds. */
const LEAST_OPERATIONS = 1500;
/** A page of memory, and a sector of a disk: less is never moved. */
const SMALL_BYTES = 4096;
/** Of the operations, those on one file: many small files cannot be read at once. */
const SAME_FILE_SHARE = 0.8;
/** Of the operations, those with a position: a database reads where its index says. */
const POSITIONED_SHARE = 0.5;
/** For each write: whoever flushes wants it on the disk before he goes on. */
const FLUSHED_SHARE = 0.05;
/** A server may look at a file, read it and write a line for each request. */
const PER_REQUEST = 3;
/** A row of requests may come a little later than that of the files. */
const NEAR_MS = 2000;
/** What each operation costs besides what it moves, about. */
const LOST_MS = 0.05;

const REMEDY =
  'Collect what is written and write it in large parts: a stream (`createWriteStream`) with `pipeline`, or one `write` for many lines.';

export interface FileUseEvidence {
  /** Node's name of the function. */
  call: string;
  operations: number;
  perSecond: number;
  /** Of an operation, on average; absent if calls do not say. */
  bytes?: number;
  /** Name of the file that was used most, without its folder. */
  file?: string;
  /** Of the operations, those that open the file first. */
  opened: number;
}

const READS = ['transfers', 'work'] as const;
type Seen = View<(typeof READS)[number]>;

export const chattyFileIo: Detector<FileUseEvidence, typeof READS> = {
  id: 'chatty-file-io',
  title: 'chatty file I/O',
  description:
    'One line reads, writes or looks at the same file many hundred times a second, a few bytes at a time. Each operation goes through the ' +
    'thread pool and the kernel, whatever its size: the lines of a log, one by one, take many times as long as one write of them all.',
  remedy: REMEDY,
  reads: READS,
  needs: ['transfers'],
  thresholds: [
    `operations: ${LEAST_OPERATIONS} from one line, ${LEAST_PER_SECOND} per second, ${percent(SAME_FILE_SHARE)} of them on one file.`,
    `size: ${SMALL_BYTES} bytes on average, a page, if bytes are read or written.`,
    `requests: more than ${PER_REQUEST} for each request that the program answers meanwhile.`,
    `exceptions: reads and writes of which more than ${percent(POSITIONED_SHARE)} name a position in the file, and writes of which ${percent(FLUSHED_SHARE)} or more are flushed to the disk.`,
  ],
  limits: [
    'What streams of node:fs read and write is not counted, only how often they are opened: they move large parts.',
    'Functions of node:fs/promises that a program had taken before evdiag was attached to it are not seen.',
  ],
  kinds: [
    {
      kind: 'small-writes',
      title: 'many small writes to one file',
      remedy: REMEDY,
      example:
        'for (const row of rows) await appendFile(path, toLine(row));    // opens, writes and closes for each line\nawait pipeline(rows, toLines, createWriteStream(path));           // 16 kB at a time',
    },
    {
      kind: 'small-reads',
      title: 'many small reads of one file',
      remedy:
        'Read large parts, 64 kB or more, and take the small ones from memory: `createReadStream`, or `readFile` for a small file.',
      example:
        'while ((await file.read(buffer, 0, 16, null)).bytesRead > 0) …   // 16 bytes at a time\nfor await (const chunk of file.createReadStream()) …              // 64 kB at a time',
    },
    {
      kind: 'same-file',
      title: 'the same file opened or looked at again and again',
      remedy:
        'Read the file once, keep what it says, and read it again when it has changed (`fs.watch`) or after some time.',
      example:
        "const rate = async (key) => JSON.parse(await readFile('rates.json', 'utf8'))[key];   // for each item\nconst rates = JSON.parse(await readFile('rates.json', 'utf8'));                       // once",
    },
  ],
  detect: (recording) =>
    onePerLine(
      usesByPlace(
        recording,
        ({ files }) => files,
        ({ call }) => call,
      ).flatMap((place) => judged(recording, place)),
    ),
  words: ({ operations, perSecond, bytes, opened }) =>
    fragments(
      `${formatCount(operations)} operations, ${formatCount(perSecond)} per second`,
      bytes !== undefined && `${formatBytes(bytes)} each`,
      opened > 0 && `the file opened ${formatCount(opened)} times`,
    ),
};

function judged(recording: Seen, place: UseOverTime<FileUse>): Finding<FileUseEvidence>[] {
  const busy = place.uses.filter(({ row, use }) => use.count >= (LEAST_PER_SECOND * row.intervalMs) / 1000);
  const uses = busy.map(({ use }) => use);
  const operations = total(uses, ({ count }) => count);
  if (operations < LEAST_OPERATIONS || total(uses, ({ sameFile }) => sameFile) < operations * SAME_FILE_SHARE)
    return [];
  const kind = kindOf(uses, operations);
  if (kind === null) return [];
  const flushes = total(busy, ({ row }) => row.flushes);
  if (kind === 'small-writes' && flushes >= operations * FLUSHED_SHARE) return [];
  const span = spanOf(busy);
  if (operations <= PER_REQUEST * requestsIn(recording, span.firstMs, span.lastMs)) return [];
  return [toFinding(place, busy, kind)];
}

type Kind = 'small-writes' | 'small-reads' | 'same-file';

function kindOf(uses: readonly FileUse[], operations: number): Kind | null {
  const { use } = uses[0]!;
  const sized = total(uses, (one) => one.sized);
  if (use === 'look' || sized < operations / 2) {
    const opened = total(uses, (one) => one.opened);
    return use !== 'write' && opened >= operations * SAME_FILE_SHARE ? 'same-file' : null;
  }
  if (total(uses, ({ bytes }) => bytes) / sized > SMALL_BYTES) return null;
  if (total(uses, ({ positioned }) => positioned) > operations * POSITIONED_SHARE) return null;
  return use === 'write' ? 'small-writes' : 'small-reads';
}

/** Answered about then. */
function requestsIn(recording: Seen, fromMs: number, toMs: number): number {
  const rows = rowsOf(recording, 'work').filter(({ t, intervalMs }) => t >= fromMs && t - intervalMs <= toMs + NEAR_MS);
  return total(rows, ({ entries, seenShare }) => total(entries, ({ count }) => count) / Math.max(seenShare, 0.01));
}

const WHAT: Record<Kind, string> = {
  'small-writes': 'writes',
  'small-reads': 'reads',
  'same-file': 'operations',
};

function toFinding(
  { location }: UseOverTime<FileUse>,
  busy: UseOverTime<FileUse>['uses'],
  kind: Kind,
): Finding<FileUseEvidence> {
  const uses = busy.map(({ use }) => use);
  const operations = Math.round(total(uses, ({ count }) => count));
  const ms = observedMs(busy);
  const sized = total(uses, (one) => one.sized);
  const bytes = sized > 0 ? Math.round(total(uses, (one) => one.bytes) / sized) : undefined;
  const last = uses.at(-1)!;
  const opened = Math.round(total(uses, (one) => one.opened));
  const each = bytes === undefined || kind === 'same-file' ? '' : `, ${formatBytes(bytes)} at a time`;
  const again = kind !== 'same-file' && opened >= operations / 2 ? ', which was opened each time' : '';
  return findingOf(chattyFileIo, {
    kind,
    severity: 'warning',
    message: `${formatCount(operations)} ${WHAT[kind]} of ${nameOf(location)} went to one file in ${secondsText(ms)}${each}${again} (${last.call}${last.file ? `, ${last.file}` : ''}).`,
    location,
    stack: [location, ...last.callers],
    count: operations,
    confidence: CONFIDENCE.counted,
    span: spanOf(busy),
    evidence: {
      call: last.call,
      operations,
      perSecond: round((operations / Math.max(1, ms)) * 1000, 0),
      ...(bytes !== undefined && { bytes }),
      ...(last.file !== null && { file: last.file }),
      opened,
    },
    lostMs: operations * LOST_MS,
  });
}
