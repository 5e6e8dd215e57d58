import { describe, expect, test } from 'vitest';
import { heavyMessages } from '../../src/detectors/rules/heavy-messages.ts';
import type { MessageUse, Row } from '../../src/recording/types.ts';
import { cpu, find, location, outcome, severities, transfers } from '../support/recording.ts';

const sent = (fields: Partial<MessageUse> = {}): MessageUse => ({
  location,
  callers: [],
  call: 'postMessage',
  count: 4,
  bytes: 12e6,
  ms: 250,
  maxMs: 80,
  maxBytes: 4e6,
  ...fields,
});
const rows = (use: MessageUse, seconds = 3): Row[] =>
  Array.from({ length: seconds }, (_, i) => transfers(2000 + i * 1000, { messages: [use] }));

test('messages that take a good part of the time are one finding, with their size and line', () => {
  const [finding, ...others] = find(heavyMessages, rows(sent()));
  expect(others).toEqual([]);
  expect(finding).toMatchObject({
    kind: 'clone',
    severity: 'warning',
    message:
      "12 messages of handler, about 2.9 MiB each, took 25 % of the thread's time to send (750 ms); the receiver takes about as long to read them.",
    location: { line: 12 },
    times: { maxMs: 80, totalMs: 750 },
    evidence: { call: 'postMessage', messages: 12, bytes: 3e6, maxBytes: 4e6, timeShare: 0.25 },
  });
});

test('messages to another process are of another kind', () => {
  expect(find(heavyMessages, rows(sent({ call: 'send' }))).map(({ kind }) => kind)).toEqual(['ipc']);
});

test('where the host had no core, it is information', () => {
  const busy = [2000, 3000, 4000].map((t) => cpu({ t, mainThreadMs: 100, runQueueMs: 900 }));
  expect(severities(heavyMessages, [...rows(sent()), ...busy])).toEqual(['info']);
});

describe('it is silent', () => {
  const cases: [string, Row[]][] = [
    ['where sending takes little of the time', rows(sent({ ms: 99 }), 9)],
    ['where it was short', rows(sent({ ms: 450 }), 1)],
    ['where it were two messages', rows(sent({ count: 1, bytes: 50e6, ms: 400 }), 2)],
    ['where the messages are small, and take long for another reason', rows(sent({ bytes: 4 * 99_000 }))],
    ['where the line is not known', rows(sent({ location: null }))],
  ];
  test.each(cases)('%s', (_name, recording) => {
    expect(find(heavyMessages, recording)).toEqual([]);
  });
});

test('without rows of transfers there is no data', () => {
  expect(outcome(heavyMessages, [])).toBe('no-data');
  expect(outcome(heavyMessages, [transfers(2000)])).toBe('clear');
});
