import { expect, test } from 'vitest';
import type { CallGroup, Dump, SettledBy } from '../../src/async-dump/dump.ts';
import { callGroup } from '../../src/async-dump/quick-calls.ts';
import { dumpText } from '../../src/async-dump/text.ts';
import { painter } from '../../src/util/terminal.ts';
import { frame, location } from '../support/recording.ts';

function dumpOf(calls: CallGroup[], more: Partial<Dump> = {}): Dump {
  const about = { argv: ['node', 'app.js'], nodeVersion: 'v22.0.0', level: 'watch' as const, uptimeMs: 9000 };
  const thread = { threadId: 0, state: 'idle', stack: [], syncCall: null, problem: null } as const;
  const open = { timers: [], handles: [], unlisted: null, handleSites: [], more: 0 };
  const suspended = {
    counted: 'calls',
    total: calls.length,
    unlisted: 0,
    promises: 9,
    failed: 0,
    calls,
    cycles: [],
  } as const;
  const threads = [{ ...thread, ...open, suspended: { ...suspended, pauseMs: 3 } }] as unknown as Dump['threads'];
  return {
    schema: 'evdiag-dump/2',
    pid: 100,
    ...about,
    takenAt: '2026-01-01T08:00:00.000Z',
    mode: 'full',
    threads,
    ...more,
  };
}

const textOf = (dump: Dump) => dumpText(dump, { paint: painter(false), width: 80, expand: false });
const waitingFor = (settledBy: SettledBy): CallGroup => ({ ...callGroup(3, [frame('send')]), settledBy });

test.each([
  ['queue.head.next.next.next', 'queue.head.next… (Node)'],
  ['next.next.next.next', 'a list (Node)'],
  ['next.next', 'a list (Node)'],
  ['queue.head.next', 'queue.head.next (Node)'],
  ['pending', 'pending (Node)'],
])('where a list holds what settles, its length is left out: %s', (variable, words) => {
  const text = textOf(dumpOf([waitingFor({ kind: 'structure', name: 'Node', variable })]));
  expect(text).toContain(`waits for a call of a function in ${words}\n`);
});

test('an address that refuses again and again is named, before what waits', () => {
  const dump = dumpOf([waitingFor({ kind: 'nothing', name: '' })]);
  const one = { address: '127.0.0.1:4207', code: 'ECONNREFUSED', count: 52, firstAgoMs: 10_400, lastAgoMs: 120 };
  const odd = { ...one, address: 'cache.example\x1b[2J', code: 'EODD', count: 3 };
  dump.threads[0]!.failedConnections = [one, odd];
  const text = textOf(dump);
  expect(text).toContain(
    '  refused again and again: 127.0.0.1:4207  52 times in 10.4 s, the last 120 ms ago (ECONNREFUSED)\n  failed again and again: cache.example[2J  3 times',
  );
  expect(text.indexOf('refused')).toBeLessThan(text.indexOf('send'));
});

test('what the rules have found comes first, in the words of the report', () => {
  const finding = {
    rule: 'async-deadlock',
    severity: 'critical',
    message: '4 × placeOrder hold a slot and wait for another one in priceOf; 44 more wait behind, the oldest for 8 s.',
    remedy: 'Take no second slot of the same limit while one is held.',
    location,
  };
  const text = textOf(dumpOf([waitingFor({ kind: 'nothing', name: '' })], { findings: [finding] }));
  expect(text.split('\n').slice(3, 8)).toEqual([
    '  critical: 4 × placeOrder hold a slot and wait for another one in priceOf; 44',
    '    more wait behind, the oldest for 8 s.',
    '    at /srv/app.js:12:3 handler',
    '    → Take no second slot of the same limit while one is held.',
    '',
  ]);
});
