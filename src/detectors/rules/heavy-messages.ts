import type { MessageUse, View } from '../../recording/types.ts';
import { maxOf } from '../../util/numbers.ts';
import { formatBytes, formatCount, formatMs, plural } from '../../util/text.ts';
import { isContended } from '../backlog.ts';
import { nameOf } from '../code-words.ts';
import { CONFIDENCE } from '../confidence.ts';
import { findingOf, fragments } from '../finding.ts';
import { onePerLine } from '../place-findings.ts';
import { percent, round } from '../severity.ts';
import { observedMs, spanOf, total, type UseOverTime, usesByPlace } from '../transfer-places.ts';
import type { Detector, Finding } from '../types.ts';

/** Of the thread's time, sending alone: what clinic and JMC call a warning for pauses. */
const TIME_SHARE = 0.1;
/** Together, as long as a stall that is noticed is at least five times. */
const LEAST_MS = 500;
/** One or two are how a worker gets its data. */
const LEAST_MESSAGES = 3;
/** Each, on average: a job of a pool is sent in less than a millisecond. */
const LEAST_BYTES = 100_000;

const REMEDY =
  'Send less: hand buffers over (`postMessage(value, [buffer])`) or share them (`SharedArrayBuffer`), send what the other side needs and not all there is, or let it read the data itself.';

export interface MessagesEvidence {
  call: string;
  messages: number;
  /** Of a message on average, and of the largest, about. */
  bytes: number;
  maxBytes: number;
  /** Of the sending thread. */
  totalMs: number;
  maxMs: number;
  /** Of the time of those readings, 0..1. */
  timeShare: number;
}

const READS = ['transfers', 'cpu'] as const;
type Seen = View<(typeof READS)[number]>;

export const heavyMessages: Detector<MessagesEvidence, typeof READS> = {
  id: 'heavy-messages',
  title: 'heavy messages',
  description:
    'Messages between threads are copied (structured clone), and between processes written as text and parsed. Both take place on the loop: ' +
    'the sender copies within `postMessage` or `send`, and the receiver takes about as long before its handler is called.',
  remedy: REMEDY,
  reads: READS,
  needs: ['transfers'],
  thresholds: [
    `warning: sending takes ${percent(TIME_SHARE)} of the thread's time, ${LEAST_MS} ms in all, in ${LEAST_MESSAGES} messages of ${formatBytes(LEAST_BYTES)} or more on average.`,
    'info: the same, where the host had no core for the program for much of that time.',
  ],
  limits: [
    'The time is that of the sender. What the receiver takes is spent within Node before any handler runs, and is seen there as a stall only.',
    'Sizes are estimates: of long lists, some items are looked at.',
  ],
  kinds: [
    {
      kind: 'clone',
      title: 'messages that are copied to another thread',
      remedy: REMEDY,
      example:
        'worker.postMessage(rows);                                   // copies 100 MB, twice\nworker.postMessage(table.buffer, [table.buffer]);           // hands it over, in microseconds\nworker.postMessage({ shared, from, to });                   // a SharedArrayBuffer: both see it',
    },
    {
      kind: 'ipc',
      title: 'messages that are written for another process',
      remedy:
        "Send less: what the other side needs and not all there is, a file or a key by which it finds the data; or use a thread, which can share memory. `serialization: 'advanced'` saves the text of large buffers.",
      example:
        'child.send(catalogue);                                      // JSON of all of it, for each job\nchild.send({ catalogueFile, id });                          // the child reads it once',
    },
  ],
  detect: (recording) =>
    onePerLine(
      usesByPlace(
        recording,
        ({ messages }) => messages,
        ({ call }) => call,
      ).flatMap((place) => judged(recording, place)),
    ),
  explains: [{ rule: 'blocked-event-loop' }, { rule: 'memory-churn' }, { rule: 'gc-pressure' }],
  words: ({ messages, bytes, maxBytes, totalMs, maxMs, timeShare }) =>
    fragments(
      `${plural(messages, 'message')} of about ${formatBytes(bytes)}, at most ${formatBytes(maxBytes)}`,
      `sending took ${formatMs(totalMs)}, at most ${formatMs(maxMs)}`,
      `${percent(timeShare)} of the time`,
    ),
};

function judged(recording: Seen, { location, uses }: UseOverTime<MessageUse>): Finding<MessagesEvidence>[] {
  const busy = uses.filter(({ row, use }) => use.ms >= row.intervalMs * TIME_SHARE);
  const all = busy.map(({ use }) => use);
  const messages = Math.round(total(all, ({ count }) => count));
  const totalMs = total(all, ({ ms }) => ms);
  const bytes = total(all, (use) => use.bytes) / Math.max(1, messages);
  if (messages < LEAST_MESSAGES || totalMs < LEAST_MS || bytes < LEAST_BYTES) return [];
  const timeShare = Math.min(1, totalMs / Math.max(1, observedMs(busy)));
  const last = all.at(-1)!;
  const span = spanOf(busy);
  return [
    findingOf(heavyMessages, {
      kind: last.call === 'send' ? 'ipc' : 'clone',
      severity: isContended(recording, span.lastMs - span.firstMs) ? 'info' : 'warning',
      message: `${formatCount(messages)} messages of ${nameOf(location)}, about ${formatBytes(bytes)} each, took ${percent(timeShare)} of the thread's time to send (${formatMs(totalMs)}); the receiver takes about as long to read them.`,
      location,
      stack: [location, ...last.callers],
      count: messages,
      confidence: CONFIDENCE.counted,
      span,
      times: { maxMs: round(maxOf(all.map(({ maxMs }) => maxMs))), totalMs: round(totalMs) },
      evidence: {
        call: last.call,
        messages,
        bytes: Math.round(bytes),
        maxBytes: Math.round(maxOf(all.map(({ maxBytes }) => maxBytes))),
        totalMs: round(totalMs),
        maxMs: round(maxOf(all.map(({ maxMs }) => maxMs))),
        timeShare: round(timeShare, 3),
      },
      lostMs: totalMs,
    }),
  ];
}
