import { expect, test } from 'vitest';
import { recordingQuality } from '../../src/detectors/rules/recording-quality.ts';
import type { Recording } from '../../src/recording/types.ts';
import { asOldFormat, cpu, foundIn, outcome, recordingOf, seconds, stall, utilization } from '../support/recording.ts';

const good = seconds(9);
const late = (ms: number) => ({ ...utilization(1, 15_000), activeMs: ms });
const queued = (runQueueMs: number, count = 9) => [
  ...seconds(9, { without: ['cpu'] }),
  ...Array.from({ length: count }, (_, i) => cpu({ t: 2000 + i, mainThreadMs: 600, runQueueMs })),
];
const held = { debugger: true, kind: 'host', durationMs: 4000, cpuMs: 20, runQueueMs: 5, lockedMs: 3900 } as const;
const kinds = (recording: Recording) => foundIn(recordingQuality, recording).map(({ kind }) => kind);

test.each([
  ['nothing', [], recordingOf(good)],
  ['a host busy for a quarter of the time', ['contention'], recordingOf(queued(200))],
  ['a host busy for less', [], recordingOf(queued(199))],
  ['a busy host, for less than a second in all', [], recordingOf(queued(240, 4))],
  ['a host that does not tell', [], recordingOf(seconds(9, { without: ['cpu'] }))],
  ['rows dropped', ['dropped-rows'], { ...recordingOf(good), droppedRows: 5 }],
  ['lines not readable', ['dropped-rows'], { ...recordingOf(good), skippedLines: 1 }],
  ['a pause of a debugger', ['paused'], recordingOf([...good, stall(held)])],
  ['a shorter one', [], recordingOf([...good, stall({ ...held, lockedMs: 90 })])],
  ['a wait for a lock', [], recordingOf([...good, stall({ ...held, debugger: false })])],
  ['what evdiag itself did', [], recordingOf([...good, stall({ ...held, own: true })])],
  ['a sleep beside a debugger', [], recordingOf([...good, stall({ ...held, kind: 'sync-sleep' })])],
  ['a reading after three seconds', ['late-samples'], recordingOf([...good, late(3000)])],
  ['a reading after a little less', [], recordingOf([...good, late(2999)])],
  ['a second of recording', [], recordingOf(seconds(1, {}, 1000))],
  ['less than that', ['little-data'], recordingOf(seconds(1, {}, 999))],
  ['a recording of format 1.0', [], recordingOf(asOldFormat(good))],
])('%s: %j', (_what, expected, recording) => {
  expect(kinds(recording)).toEqual(expected);
});

test('all are information, with their numbers', () => {
  const recording = { ...recordingOf([...queued(300), late(5000)]), droppedRows: 1, durationMs: 500 };
  const findings = foundIn(recordingQuality, recording);
  expect(findings.map(({ message }) => message)).toEqual([
    'The thread waited for a core 33 % of the time in which it was ready to run: durations are longer than those of the code itself.',
    '1 row was dropped.',
    '1 reading came late, one after 5 s instead of 1 s.',
    'The recording is 0.5 s long: what builds up slowly cannot be seen in it.',
  ]);
  for (const { severity, location, score } of findings) {
    expect({ severity, location }).toEqual({ severity: 'info', location: null });
    expect(score).toBeLessThanOrEqual(10);
  }
});

test.each([
  ['the recording reached its limit (EVDIAG_MAX_MB)', /EVDIAG_MAX_MB/],
  ['the recording could not be written', /on a disk with room/],
  ['its file was removed, moved or cut while it was written', /clean-up jobs/],
])('lost rows, because %s', (why, remedy) => {
  const rows = [...good, { t: 3000, type: 'dropped' as const, rows: 4, why }];
  const [finding] = foundIn(recordingQuality, { ...recordingOf(rows), droppedRows: 4, skippedLines: 1 });
  expect(finding).toMatchObject({ kind: 'dropped-rows', count: 5 });
  expect(finding!.message).toBe(`4 rows were dropped: ${why}; 1 row could not be read.`);
  expect(finding!.remedy).toMatch(remedy);
});

test('no rows at all: no data', () => {
  expect(outcome(recordingQuality, [])).toBe('no-data');
  expect(outcome(recordingQuality, good)).toBe('clear');
});
