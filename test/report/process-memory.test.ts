import { expect, test } from 'vitest';
import { buildReport } from '../../src/report/report.ts';
import { textReport } from '../../src/report/text.ts';
import { painter } from '../../src/util/terminal.ts';
import { memory, recordingOf } from '../support/recording.ts';

const MiB = 2 ** 20;
const holding = (pid: number, threadId: number, ...mib: number[]) =>
  recordingOf(
    mib.map((rss, i) => memory({ t: 1000 * (i + 1), rssBytes: rss * MiB, heapUsedBytes: (rss / 2) * MiB })),
    { pid, threadId, parentPid: pid === 100 ? 1 : 100, startMonotonicMs: pid },
  );
const textOf = (recordings: ReturnType<typeof holding>[]) =>
  textReport(buildReport(recordings), recordings, { paint: painter(false), width: 120 });

test('each process of a family with the most it held, the largest first', () => {
  const recordings = [holding(100, 0, 50, 80, 60), holding(101, 0, 120), holding(101, 1, 120), holding(102, 0, 100)];
  expect(textOf(recordings)).toMatch(
    / memory +up to 300 MiB in 3 processes: pid 101 120 MiB, pid 102 100 MiB, pid 100 80 MiB\n/,
  );
  expect(buildReport(recordings).processes?.map(({ memory }) => memory?.residentBytes)).toEqual(
    [80, 120, 120, 100].map((mib) => mib * MiB),
  );
});

test('many are counted; one process, and what is not known, is not told', () => {
  const many = Array.from({ length: 7 }, (_, i) => holding(100 + i, 0, 10));
  expect(textOf(many)).toContain('up to 70 MiB in 7 processes');
  expect(textOf(many)).toContain('and 3 more');
  expect(textOf([holding(100, 0, 50)])).not.toContain('processes:');
  expect(textOf([holding(100, 0), holding(101, 0)])).not.toContain('processes:');
});
