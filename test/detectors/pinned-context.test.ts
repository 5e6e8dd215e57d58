import { expect, test } from 'vitest';
import { leakSuspect } from '../../src/detectors/rules/leak-suspect.ts';
import type { Row, UnfinishedEntry } from '../../src/recording/types.ts';
import { allocations, collections, find, location, severities, tracked, withInbound } from '../support/recording.ts';

const GROWING = [20, 26, 32, 38, 44, 50];
const STEADY = [50, 51, 50, 49, 50, 51];

function rows(heap: readonly number[], fields: Partial<UnfinishedEntry> = {}, inbound = 0, waiting = 3): Row[] {
  const timers = tracked(4, (n) => {
    const alive = 30 * n;
    const line = { ...location, line: 40 };
    return { what: 'handle', type: 'Timeout', detail: '3000000 ms', alive, pinned: alive, location: line, ...fields };
  });
  return [...collections(heap, { waiting, timers: Math.min(waiting, 2) }), ...withInbound(inbound, timers)].sort(
    (a, b) => a.t - b.t,
  );
}

test('timers that keep the store of the request that started them, while the heap grows; what stays is their symptom', () => {
  const kept = allocations([{ aliveBytes: 40e6 }]);
  expect(find(leakSuspect, [...rows(GROWING), kept])).toMatchObject([
    {
      severity: 'warning',
      kind: 'pinned-context',
      message:
        '120 timers started in handler each keep the AsyncLocalStorage store of whatever started them, while the heap grows by 5.7 MiB per second.',
      location: { line: 40 },
      evidence: { alive: 120, pinned: 120, type: 'Timeout' },
      symptoms: [{ kind: 'kept-objects' }],
    },
  ]);
});

test.each<[string, string[], Row[]]>([
  ['a heap that stays level', [], rows(STEADY)],
  ['no store', [], rows(GROWING, { pinned: 0 })],
  ['as many as ever', [], rows(GROWING, { alive: 120, pinned: 120 })],
  ['one for each open connection', [], rows(GROWING, {}, 120)],
  ['a batch in which nothing waits', ['info'], rows(GROWING, {}, 0, 0)],
])('%s: %j', (_what, expected, all) => {
  expect(severities(leakSuspect, all)).toEqual(expected);
});
