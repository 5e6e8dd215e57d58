import { expect, test } from 'vitest';
import { judge } from '../../src/detectors/judge.ts';
import { detectors } from '../../src/detectors/rules/index.ts';
import type { Detector } from '../../src/detectors/types.ts';
import { rowsOf, type View } from '../../src/recording/types.ts';
import { delayRow, findingWith, recordingOf, stall } from '../support/recording.ts';

const base: Detector = {
  id: 'base',
  title: 'base',
  description: '',
  remedy: '',
  reads: ['event-loop-delay'],
  needs: ['event-loop-delay'],
  thresholds: [],
  limits: [],
  kinds: [],
  detect: () => [],
  words: () => [],
};
const recording = recordingOf([delayRow(5)]);

test('a detector that throws is named and the others go on', () => {
  const broken: Detector = {
    ...base,
    id: 'broken',
    detect() {
      throw new Error('no such thing');
    },
  };
  expect(judge(recording, [broken, base]).rules).toEqual([
    { rule: 'broken', outcome: 'error', why: 'no such thing' },
    { rule: 'base', outcome: 'clear', why: 'looked at, nothing found' },
  ]);
});

test('missing rows are no data, never clear', () => {
  const { rules } = judge(recording, [{ ...base, reads: ['gc', 'cpu'], needs: [['gc', 'cpu']] }]);
  expect(rules).toEqual([{ rule: 'base', outcome: 'no-data', why: 'the recording has no rows of gc or cpu' }]);
});

test('ten times the rows take some ten times as long, and very many break no detector', () => {
  const long = (count: number) => {
    const rows = Array.from({ length: count }, (_, id) => {
      const startMs = id * 200;
      return [stall({ id, startMs, durationMs: 120, waiting: 1, startup: false }), delayRow(120, startMs + 150)];
    });
    return recordingOf(rows.flat());
  };
  const quickest = (count: number) => {
    const times = [1, 2, 3].map(() => {
      const recording = long(count);
      const before = process.cpuUsage();
      expect(judge(recording, detectors).rules.filter(({ outcome }) => outcome === 'error')).toEqual([]);
      return process.cpuUsage(before).user;
    });
    return Math.min(...times);
  };
  quickest(1000);
  // Ten, with room for caches and the collector; what is quadratic takes a hundred.
  expect(quickest(100_000) / quickest(10_000)).toBeLessThan(35);
});

test('what is found counts, whatever rows are missing', () => {
  const finding = findingWith({ rule: 'base' });
  const rule: Detector = { ...base, reads: ['gc', 'event-loop-delay'], needs: ['gc'], detect: () => [finding] };
  expect(judge(recording, [rule]).rules).toEqual([{ rule: 'base', outcome: 'found', why: '1 found' }]);
  expect(judge(recording, [{ ...rule, detect: () => [] }]).rules[0]?.outcome).toBe('no-data');
});

test('a rule may answer that it cannot tell', () => {
  const rule: Detector = { ...base, detect: () => ({ noData: 'nobody counted' }) };
  expect(judge(recording, [rule]).rules).toEqual([{ rule: 'base', outcome: 'no-data', why: 'nobody counted' }]);
});

test('a rule sees only rows that it declares: the compiler says so', () => {
  const all = recordingOf([delayRow(5)]);
  const some: View<'event-loop-delay' | 'gc'> = all;
  const fewer: View<'event-loop-delay'> = some;
  expect(rowsOf(fewer, 'event-loop-delay')).toHaveLength(1);
  // @ts-expect-error not among the rows of this view
  expect(rowsOf(some, 'deep-sample')).toEqual([]);
  // @ts-expect-error who may read less is not given to who reads more
  const more: View<'deep-sample' | 'gc'> = some;
  expect(more).toBe(all);
  const reads = ['gc'] as const;
  const rule: Pick<Detector<object, typeof reads>, 'reads' | 'needs'> = {
    reads,
    // @ts-expect-error a rule cannot need what it does not read
    needs: ['deep-sample'],
  };
  expect(rule.reads).toEqual(reads);
});
