import { describe, expect, test } from 'vitest';
import { slowUpstream } from '../../src/detectors/rules/slow-upstream.ts';
import type { Row } from '../../src/recording/types.ts';
import { cpu, find, outcome, severities, unfinished, upstreams, utilization } from '../support/recording.ts';

const slower = [10, 12, 11, 10, 150, 200, 250, 300, 350, 400];
const ofPrices = (
  medians: readonly number[],
  ...more: Parameters<typeof upstreams> extends [unknown, ...infer R] ? R : never
) => [unfinished(1000, []), ...upstreams(medians, ...more)];
const stock = { origin: 'http://stock:80', operation: 'GET /stock' };

test('a service that gets slower is one finding: since when, how much, and where it is asked', () => {
  expect(find(slowUpstream, ofPrices(slower))).toMatchObject([
    {
      kind: 'answers',
      severity: 'warning',
      message:
        'handler waited 250 ms for each GET /prices/:id of http://prices:80 (the median of 60 answers over 6 s), and 11 ms at first.',
      location: { line: 12 },
      count: 60,
      evidence: {
        ...{ origin: 'http://prices:80', operation: 'GET /prices/:id', answers: 60 },
        ...{ usualMs: 11, slowMs: 250, sinceMs: 4000 },
      },
    },
  ]);
});

test('of one service, the operation that takes most is reported', () => {
  const light = upstreams(slower, { operation: 'GET /health', answers: 5 });
  expect(find(slowUpstream, [...ofPrices(slower), ...light])).toMatchObject([
    { evidence: { operation: 'GET /prices/:id' } },
  ]);
});

test('that was slow for a while, and is not any more, is reported too', () => {
  expect(severities(slowUpstream, ofPrices([...slower, 10, 10]))).toEqual(['warning']);
});

test('beside another that is as fast as before it is the one, with one that got slower as well it is not', () => {
  expect(
    severities(slowUpstream, [
      ...ofPrices(slower),
      ...upstreams(
        slower.map(() => 5),
        stock,
      ),
    ]),
  ).toEqual(['warning']);
  expect(severities(slowUpstream, [...ofPrices(slower), ...upstreams(slower, stock)])).toEqual([]);
});

describe('it is silent', () => {
  const times = slower.map((_, i) => 1000 * (i + 1));
  const oftener = ofPrices(slower).map((row, i) =>
    row.type === 'upstreams' && i > 4 ? { ...row, entries: row.entries.map((one) => ({ ...one, answers: 20 })) } : row,
  );
  const cases: [string, Row[]][] = [
    ['where it takes three times as long', ofPrices([50, 50, 50, 160, 160, 160, 160, 160])],
    ['where it takes some milliseconds longer', ofPrices([5, 5, 5, 80, 80, 80, 80, 80])],
    ['where it is over at once', ofPrices([10, 10, 10, 10, 500, 500, 500, 10, 10])],
    ['where it varies', ofPrices([10, 10, 10, 500, 500, 10, 500, 500, 10, 500, 500])],
    ['where it was slow from the beginning', ofPrices([500, 500, 500, 500, 500, 500, 500])],
    ['where it is fast after a cold start', ofPrices([500, 500, 10, 10, 10, 10, 10, 10])],
    ['where there are few answers', ofPrices(slower, { answers: 2 })],
    ['where it is asked more often', oftener],
    ['where the thread itself is busy', [...ofPrices(slower), ...times.map((t) => utilization(0.9, t))]],
    ['where the thread gets no core', [...ofPrices(slower), ...times.map((t) => cpu({ t, runQueueMs: 900 }))]],
  ];
  test.each(cases)('%s', (_what, rows) => {
    expect(severities(slowUpstream, rows)).toEqual([]);
  });
});

test('some work of its own does not hide it', () => {
  const work = slower.flatMap((_, i) => [
    utilization(0.2, 1000 * (i + 1)),
    cpu({ t: 1000 * (i + 1), runQueueMs: 100 }),
  ]);
  expect(severities(slowUpstream, [...ofPrices(slower), ...work])).toEqual(['warning']);
});

test('it is clear where nothing was asked, and without rows there is no answer', () => {
  expect(outcome(slowUpstream, [unfinished(2000, [])])).toBe('clear');
  expect(outcome(slowUpstream, [cpu()])).toBe('no-data');
});
