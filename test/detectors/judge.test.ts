import { expect, test } from 'vitest';
import { judge } from '../../src/detectors/judge.ts';
import type { Detector } from '../../src/detectors/types.ts';
import { delayRow, recordingOf } from '../support/recording.ts';

const base: Detector = {
  id: 'base',
  title: 'base',
  description: '',
  remedy: '',
  needs: ['event-loop-delay'],
  thresholds: [],
  kinds: [],
  detect: () => [],
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
  const { rules } = judge(recording, [{ ...base, needs: ['gc', 'cpu'] }]);
  expect(rules).toEqual([{ rule: 'base', outcome: 'no-data', why: 'the recording has no rows of gc or cpu' }]);
});
