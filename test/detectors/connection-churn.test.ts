import { describe, expect, test } from 'vitest';
import { judge } from '../../src/detectors/judge.ts';
import { connectionChurn } from '../../src/detectors/rules/connection-churn.ts';
import type { ConnectionsEntry, Row } from '../../src/recording/types.ts';
import { connections, cpu, find, lookups, outcome, recordingOf, severities, unfinished } from '../support/recording.ts';

const rows = (fields: Partial<ConnectionsEntry> = {}): Row[] => [unfinished(2000, []), connections(fields)];

test('a new client for each request is one finding, with what connecting takes', () => {
  const [finding, ...others] = find(connectionChurn, rows());
  expect(others).toEqual([]);
  expect(finding).toMatchObject({
    kind: 'new-client',
    severity: 'warning',
    message:
      'handler opened 100 connections to http://shop:80 for 100 requests within 5 s, each by a new client or agent; connecting took 4 ms of 20 ms each.',
    location: { line: 12 },
    count: 99,
    evidence: { origin: 'http://shop:80', requests: 100, opened: 100, avoidable: 99, connectMs: 4, requestMs: 20 },
  });
});

test.each([
  ['no-keep-alive', { client: 1, off: 98, close: 0 }],
  ['asks-to-close', { client: 1, off: 0, close: 98 }],
])('most of the reasons make it %s', (kind, reasons) => {
  expect(find(connectionChurn, rows({ reasons }))).toMatchObject([{ kind }]);
});

test('counts that grow are of one line, and the newest are reported', () => {
  const all = [...rows(), connections({ requests: 200, opened: 200, avoidable: 199 }, 3000)];
  expect(find(connectionChurn, all)).toMatchObject([{ count: 199 }]);
});

describe('it is silent', () => {
  const cases: [string, Partial<ConnectionsEntry>][] = [
    ['where few could have been kept', { avoidable: 19 }],
    ['where most requests use a connection that is there', { requests: 400 }],
    ['where it is over at once', { spanMs: 900 }],
  ];
  test.each(cases)('%s', (_what, fields) => {
    expect(severities(connectionChurn, rows(fields))).toEqual([]);
  });
});

test('where connecting is cheap and rare it is information', () => {
  const cheap = { connectMs: 0.4, requestMs: 20 };
  expect(severities(connectionChurn, rows({ ...cheap, spanMs: 50_000 }))).toEqual(['info']);
  expect(severities(connectionChurn, rows({ ...cheap, spanMs: 9000 }))).toEqual(['warning']);
  expect(severities(connectionChurn, rows({ connectMs: null, spanMs: 50_000 }))).toEqual(['info']);
  expect(severities(connectionChurn, rows({ connectMs: 2, spanMs: 50_000 }))).toEqual(['warning']);
});

test('the look-ups of its connections are its symptom', () => {
  const { findings } = judge(recordingOf([unfinished(2000, []), connections(), lookups()]));
  const [finding, ...others] = findings.filter(({ rule }) => rule !== 'recording-quality');
  expect(others).toEqual([]);
  expect(finding).toMatchObject({ rule: 'connection-churn', symptoms: [{ rule: 'repeated-lookups' }] });
});

test('it is clear where nothing was opened in vain, and without rows there is no answer', () => {
  expect(outcome(connectionChurn, [unfinished(2000, [])])).toBe('clear');
  expect(outcome(connectionChurn, [cpu()])).toBe('no-data');
});
