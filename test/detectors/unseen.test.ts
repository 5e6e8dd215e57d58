import { describe, expect, test } from 'vitest';
import { judge } from '../../src/detectors/judge.ts';
import type { Detector, Limit } from '../../src/detectors/types.ts';
import type { Row, UnfinishedRow } from '../../src/recording/types.ts';
import { unseenGroups } from '../../src/report/rule-groups.ts';
import { delayRow, findingWith, gc, memory, recordingOf, tracked } from '../support/recording.ts';

const base: Detector = {
  ...{ id: 'base', title: 'base', description: '', remedy: '' },
  ...{ reads: ['event-loop-delay'], needs: [], thresholds: [], kinds: [], words: () => [] },
  limits: ['Nothing.'],
  detect: () => [],
};
const limit = (here: Limit<never>['here']): Detector => ({ ...base, limits: ['Nothing.', { text: 'Some.', here }] });
const unseenBy = (detector: Detector): unknown => judge(recordingOf([delayRow(5)]), [detector]).rules[0]!.unseen;

describe('what a rule cannot see is in the report', () => {
  test('where it matters, and nowhere else', () => {
    expect(unseenBy(limit(() => 'Half of it was seen.'))).toEqual(['Half of it was seen.']);
    expect(unseenBy(limit(() => null))).toBeUndefined();
    expect(unseenBy(base)).toBeUndefined();
  });

  test('also beside findings, but not of a rule that could not judge', () => {
    const some = limit(() => 'Half of it was seen.');
    expect(unseenBy({ ...some, detect: () => [findingWith({})] })).toHaveLength(1);
    expect(unseenBy({ ...some, detect: () => ({ noData: 'no rows' }) })).toBeUndefined();
  });

  test('and does not cost the findings if it fails', () => {
    const broken = limit(() => {
      throw new Error('no such thing');
    });
    expect(judge(recordingOf([delayRow(5)]), [broken]).rules).toMatchObject([{ outcome: 'clear' }]);
  });

  test('once for all rules that it concerns', () => {
    const one = { outcome: 'clear' as const, why: '', unseen: ['Half of it was seen.'] };
    expect(
      unseenGroups([
        { rule: 'a', ...one },
        { rule: 'b', ...one },
        { rule: 'c', outcome: 'clear', why: '' },
      ]),
    ).toEqual([{ rules: ['a', 'b'], text: 'Half of it was seen.' }]);
  });
});

const MB = 1e6;
const rising = (fields: (mb: number) => Parameters<typeof memory>[0]): Row[] =>
  [20, 40, 60, 80].map((mb, i) => memory({ t: 4000 + 1000 * i, ...fields(mb * MB) }));
const followed = (fields: Partial<UnfinishedRow>): Row[] =>
  tracked(4, () => ({ alive: 1 })).map((row) => ({ ...row, ...fields }));
const waiting = tracked(4, () => ({ alive: 5, created: 10, ended: 5, oldestMs: 9000, endedSinceOldest: 5 }));

test.each<[string, string, RegExp, Row[]]>([
  [
    'a sample of what began',
    'leaked-handles',
    /^Only 40 % of what was started was followed/,
    followed({ seenShare: 0.4 }),
  ],
  ['the same', 'async-deadlock', /who waits for whom is known in part\.$/, followed({ seenShare: 0.4 })],
  ['pauses', 'unbounded-concurrency', /^Following paused 3 times/, followed({ pauses: 3 })],
  [
    'a late beginning',
    'growing-pending-async',
    /^Calls were followed from 58 s on only/,
    followed({ t: 60_000, trackedMs: 2000 }),
  ],
  ['few that passed', 'stuck-async', /^5 calls in handler .* only 5 had passed/, waiting],
  ['no collection', 'lost-async', /has not run/, [...waiting, gc()]],
  [
    'few collections',
    'growing-heap',
    /^The heap rose from .* with 0 major collections/,
    [...rising((heapUsedBytes) => ({ heapUsedBytes })), gc()],
  ],
  [
    'native memory',
    'growing-external-memory',
    /^Resident memory rose from .* to .*: what native code/,
    [...rising((rssBytes) => ({ rssBytes })), gc()],
  ],
])('%s: %s says so', (_what, rule, text, rows) => {
  const all = rows.toSorted((a, b) => a.t - b.t);
  const unseen = judge(recordingOf(all)).rules.find((one) => one.rule === rule)?.unseen ?? [];
  expect(unseen.filter((one) => text.test(one))).toHaveLength(1);
});

test('a recording in which all was seen says nothing of it', () => {
  const rows: Row[] = [...tracked(4, () => ({ alive: 1, oldestMs: 100 })), gc({ majorCount: 5 }), memory()];
  const { rules } = judge(recordingOf(rows.sort((a, b) => a.t - b.t)));
  expect(rules.filter(({ unseen }) => unseen !== undefined)).toEqual([]);
});
