import { describe, expect, test } from 'vitest';
import { blockedEventLoop } from '../../src/detectors/rules/blocked-event-loop.ts';
import type { Row, RowOf, WorkEntry } from '../../src/recording/types.ts';
import { isRow } from '../../src/recording/validate.ts';
import { htmlReport } from '../../src/report/html.ts';
import { markdownReport } from '../../src/report/markdown.ts';
import { buildReport } from '../../src/report/report.ts';
import { routesOf } from '../../src/report/routes.ts';
import { textReport } from '../../src/report/text.ts';
import { workText } from '../../src/report/words.ts';
import { bucketOf, percentileOf } from '../../src/util/duration-buckets.ts';
import { find, recordingOf, seconds, stall } from '../support/recording.ts';

const request = (name: string) => ({ kind: 'request' as const, name });

function work(entries: Partial<WorkEntry>[], seenShare = 1): RowOf<'work'> {
  const whole = { ...request('GET /'), count: 1, failed: 0, aborted: 0, maxMs: 1, durations: [] };
  return { t: 2000, type: 'work', intervalMs: 1000, seenShare, entries: entries.map((one) => ({ ...whole, ...one })) };
}

const ROWS: Row[] = [
  ...seconds(6),
  work([
    {
      ...request('GET /a|<b>/:id'),
      count: 3,
      failed: 1,
      maxMs: 90,
      durations: [
        [bucketOf(10), 2],
        [bucketOf(90), 1],
      ],
    },
    { ...request('GET /health'), count: 40, aborted: 2, maxMs: 4, durations: [[bucketOf(2), 38]] },
  ]),
  work([{ ...request('GET /health'), count: 10, maxMs: 9, durations: [[bucketOf(9), 10]] }], 0.5),
  stall({
    startMs: 3000,
    durationMs: 400,
    work: request('GET /a|<b>/:id'),
    waited: [{ ...request('GET /health'), count: 5 }],
  }),
  stall({
    startMs: 4000,
    durationMs: 300,
    work: request('GET /a|<b>/:id'),
    waited: [{ ...request('GET /health'), count: 7 }],
  }),
  stall({ startMs: 5000, durationMs: 300 }),
];

test('the rows are valid', () => {
  expect(ROWS.every(isRow)).toBe(true);
  expect(isRow({ ...work([]), entries: [{ kind: 'other', name: 'x' }] })).toBe(false);
});

test('percentiles of buckets are right within a tenth', () => {
  const counts = new Map<number, number>();
  for (let ms = 1; ms <= 1000; ms++) counts.set(bucketOf(ms), (counts.get(bucketOf(ms)) ?? 0) + 1);
  expect(percentileOf(counts, 0.5)! / 500).toBeCloseTo(1, 0.9);
  expect(Math.abs(percentileOf(counts, 0.99)! / 990 - 1)).toBeLessThan(0.1);
  expect(percentileOf(new Map(), 0.5)).toBeNull();
});

describe('the table of routes', () => {
  test('has what ended, how long it took, and the stalls that it caused and suffered', () => {
    const [first, second] = routesOf([recordingOf(ROWS)]);
    expect(first).toMatchObject({
      name: 'GET /a|<b>/:id',
      count: 3,
      estimated: 3,
      failed: 1,
      stalls: 2,
      stalledMs: 700,
      waited: 0,
    });
    expect(second).toMatchObject({
      name: 'GET /health',
      count: 50,
      estimated: 60,
      aborted: 2,
      maxMs: 9,
      stalls: 0,
      waited: 12,
    });
    expect(Math.abs(second!.p50Ms! / 2 - 1)).toBeLessThan(0.1);
  });

  test('is in every form of the report, and absent where nothing was followed', () => {
    const recordings = [recordingOf(ROWS)];
    const report = buildReport(recordings);
    const forms = [
      textReport(report, recordings, { paint: (text) => text, width: 100 }),
      markdownReport(report),
      htmlReport(report, recordings),
    ];
    for (const form of forms) {
      expect(form).toContain('Requests and jobs');
      expect(form).toContain('~60');
      expect(form).toContain('2 (700 ms)');
    }
    expect(forms[2]).not.toContain('<b>/:id');
    const without = [recordingOf(seconds(6))];
    expect(buildReport(without)).not.toHaveProperty('routes');
    expect(markdownReport(buildReport(without))).not.toContain('Requests and jobs');
  });
});

test('a blocked loop says whose work it was and who waited', () => {
  const [finding] = find(blockedEventLoop, ROWS);
  expect(finding).toMatchObject({
    count: 3,
    work: [{ ...request('GET /a|<b>/:id'), count: 2 }],
    waited: [{ ...request('GET /health'), count: 12 }],
  });
  expect(workText(finding!)).toBe('Work of GET /a|<b>/:id (2 of 3 times); waited meanwhile: GET /health (12 times)');
  expect(workText({ ...finding!, work: [], waited: [] })).toBeNull();
});
