import { describe, expect, test } from 'vitest';
import { repeatedLookups } from '../../src/detectors/rules/repeated-lookups.ts';
import type { LookupsEntry, Row } from '../../src/recording/types.ts';
import { connections, cpu, find, lookups, outcome, severities, unfinished } from '../support/recording.ts';

const rows = (fields: Partial<LookupsEntry> = {}): Row[] => [unfinished(2000, []), lookups(fields)];

test('a name that is looked up for each request is one finding, with its part of the pool', () => {
  const [finding, ...others] = find(repeatedLookups, rows());
  expect(others).toEqual([]);
  expect(finding).toMatchObject({
    kind: 'same-name',
    severity: 'warning',
    message: 'handler looked up shop 100 times within 5 s, 99 times while an answer was known, for 800 ms together.',
    location: { line: 12 },
    count: 99,
    evidence: {
      name: 'shop',
      api: 'lookup',
      lookups: 100,
      repeated: 99,
      totalMs: 800,
      poolShare: 0.04,
      requestShare: null,
    },
  });
});

test('it says what part of the time of the requests it takes, where these are known', () => {
  const [finding] = find(repeatedLookups, [...rows(), connections({ requestMs: 32 })]);
  expect(finding).toMatchObject({ evidence: { requestShare: 0.25 } });
});

test('queries take no thread of the pool', () => {
  expect(find(repeatedLookups, rows({ api: 'queryA' }))).toMatchObject([{ evidence: { poolShare: null } }]);
});

test('what takes hardly any time is information', () => {
  expect(severities(repeatedLookups, rows({ totalMs: 49 }))).toEqual(['info']);
  expect(severities(repeatedLookups, rows({ totalMs: 99, spanMs: 10_000 }))).toEqual(['info']);
  expect(severities(repeatedLookups, rows({ totalMs: 101, spanMs: 10_000 }))).toEqual(['warning']);
});

describe('it is silent', () => {
  const cases: [string, Partial<LookupsEntry>][] = [
    ['where few were asked while an answer was known', { repeated: 19 }],
    ['where it is over at once', { spanMs: 900 }],
    ['where one comes now and then', { spanMs: 100_000 }],
  ];
  test.each(cases)('%s', (_what, fields) => {
    expect(severities(repeatedLookups, rows(fields))).toEqual([]);
  });
});

test('it is clear where no name came again, and without rows there is no answer', () => {
  expect(outcome(repeatedLookups, [unfinished(2000, [])])).toBe('clear');
  expect(outcome(repeatedLookups, [cpu()])).toBe('no-data');
});
