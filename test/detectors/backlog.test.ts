import { describe, expect, test } from 'vitest';
import { growingPendingAsync } from '../../src/detectors/rules/growing-pending-async.ts';
import type { Row, UnfinishedEntry } from '../../src/recording/types.ts';
import { entry, find, location, seconds, severities, tracked, unfinished, withInbound } from '../support/recording.ts';

/** 25 begin and 8 end each row; what ends has waited for most of the time so far. */
const backlog = (fields: (n: number) => Partial<UnfinishedEntry> = () => ({}), rows = 5) =>
  tracked(rows, (n) => ({
    alive: 17 * n,
    created: 25 * n,
    ended: 8 * n,
    oldestMs: 1500 * n,
    endedLeastMs: 1000 * n,
    endedMaxMs: 1500 * n,
    usualMs: 1024 * n,
    ...fields(n),
  }));
/** Each second with so much time on a core and without one. */
const busy = (mainThreadMs: number, runQueueMs: number): Row[] =>
  seconds(10).map((row) => (row.type === 'cpu' ? { ...row, mainThreadMs, runQueueMs } : row));

describe('more calls begin than end', () => {
  test('the await where they wait is the place, and the rates say why', () => {
    expect(find(growingPendingAsync, backlog())).toMatchObject([
      {
        severity: 'warning',
        kind: 'backlog',
        message:
          '85 calls are suspended in handler, 68 more than 8 s earlier: 12.5 begin and 4 end a second, and even the quickest now takes 4 s (1 s before).',
        location,
        count: 85,
        evidence: { createdPerSecond: 12.5, endedPerSecond: 4 },
      },
    ]);
  });

  test.each<[string, string[], Row[]]>([
    ['the network answers, but later and later', ['warning'], backlog(() => ({ via: ['http'] }))],
    ['quick ones end all the time', [], backlog(() => ({ endedLeastMs: 40 }))],
    ['one of the last was quick', [], backlog((n) => ({ endedLeastMs: n === 5 ? 20 : 1000 * n }))],
    ['the oldest is young', [], backlog(() => ({ oldestMs: 900 }))],
    ['as many end', [], backlog((n) => ({ alive: 30, ended: 25 * n - 30 }))],
    ['few', [], backlog((n) => ({ alive: 3 * n }))],
    ['too soon', [], backlog(() => ({}), 3)],
    ['nobody knows how long they take', [], backlog(() => ({ endedLeastMs: null }))],
    ['a loop', [], backlog(() => ({ loop: true }))],
    ['waits for timers', [], backlog(() => ({ via: ['timers'] }))],
    [
      'connections that listen',
      [],
      withInbound(
        100,
        backlog(() => ({ via: ['events'] })),
      ),
    ],
    ['a host without a free core', ['info'], [...busy(100, 300), ...backlog()]],
    ['a host with one', ['warning'], [...busy(300, 100), ...backlog()]],
  ])('%s: %j', (_what, expected, rows) => {
    expect(severities(growingPendingAsync, rows)).toEqual(expected);
  });
});

describe('runs of a schedule that overlap', () => {
  const run = { ...location, file: '/srv/job.js', line: 7, function: 'job' };
  const slower = [3000, 3000, 5000, 5000, 7000, 7000, 9000, 9000];
  /** A run every 2 s, of which every other one ends; within, calls pile up. */
  const runs = (fields: (n: number) => Partial<UnfinishedEntry> = () => ({})) =>
    tracked(8, (n, t) => ({
      location: run,
      alive: Math.ceil(n / 2) + 2,
      created: n + 2,
      ended: Math.floor(n / 2),
      oldestMs: t / 2,
      endedMaxMs: slower[n - 1]!,
      ...fields(n),
    }));

  test('the run is the place, and what piles up within a part of it', () => {
    const within = backlog(() => ({ callers: [run] }), 8);
    const rows = runs().map((row, i) => ({ ...row, entries: [...row.entries, ...within[i]!.entries] }));
    const [finding, ...others] = find(growingPendingAsync, rows);
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      kind: 'overlapping-runs',
      severity: 'warning',
      message:
        '6 runs of job are under way at once, more and more: one starts every 2 s, and the oldest has run for 8 s.',
      location: run,
      symptoms: [{ kind: 'backlog', location }],
    });
  });

  /** As recorded on a busy host: time, begun, ended, alive, followed, the slowest so far. In the seventh row one stands for eight. */
  const RECORDED: readonly (readonly [number, number, number, number, number, number])[] = [
    [2280, 3, 0, 3, 3, 1507],
    [3280, 5, 1, 4, 4, 1507],
    [4280, 7, 2, 5, 5, 1964],
    [5280, 9, 3, 6, 6, 2787],
    [6280, 11, 4, 7, 7, 3314],
    [7280, 13, 5, 8, 8, 3827],
    [8295, 22, 6, 16, 9, 4401],
    [9295, 17, 7, 10, 10, 4906],
    [10302, 19, 8, 11, 11, 5640],
    [11305, 21, 9, 12, 12, 6246],
    [12307, 23, 10, 13, 13, 6796],
  ];
  const recorded = (lateMs: (row: number) => number = () => 0): Row[] =>
    RECORDED.map(([t, created, ended, alive, followed, endedMaxMs], i) =>
      unfinished(
        t + lateMs(i),
        [entry({ location: run, created, ended, alive, followed, endedMaxMs, oldestMs: endedMaxMs - 390 })],
        { trackedMs: t },
      ),
    );

  test.each<[string, Row[]]>([
    ['in a burst one is followed and stands for several', recorded()],
    ['the row is written late', recorded((i) => (i % 4 === 0 ? 900 : 0))],
    [
      'all have failed before the end',
      [
        ...recorded(),
        unfinished(13_300, [entry({ location: run, created: 24, ended: 24, alive: 0 })]),
        unfinished(13_400, []),
        { t: 13_500, type: 'end', reason: 'exit', exitCode: 0, signal: null },
      ],
    ],
  ])('overlapping runs are found where %s', (_what, rows) => {
    expect(find(growingPendingAsync, rows)).toMatchObject([
      { kind: 'overlapping-runs', severity: 'warning', count: 13 },
    ]);
  });

  test.each<[string, string[], Row[]]>([
    ['runs that take as long as before', [], runs(() => ({ endedMaxMs: 7000 }))],
    ['as many as at first', [], runs(() => ({ alive: 4 }))],
    ['three', [], runs((n) => ({ alive: Math.min(3, n) }))],
    ['starts as requests come', [], runs((n) => ({ created: n * (n % 3) + 40 * n }))],
    ['requests from outside', [], withInbound(6, runs())],
    [
      'requests from outside that have gone by the end',
      [],
      [...withInbound(6, runs().slice(0, 7)), ...runs().slice(7)],
    ],
    ['short calls that come evenly', [], runs((n) => ({ oldestMs: 60 + 20 * n }))],
    ['a loop', [], runs(() => ({ loop: true }))],
    ['a host without a free core', ['info'], [...busy(100, 300), ...runs()]],
  ])('%s: %j', (_what, expected, rows) => {
    expect(severities(growingPendingAsync, rows)).toEqual(expected);
  });
});

describe('runs of a schedule of which each overlaps the next one, and no more', () => {
  const run = { ...location, file: '/srv/job.js', line: 7, function: 'job' };
  /** A run every 2 s, that takes 2.6 s. */
  const runs = (fields: (n: number) => Partial<UnfinishedEntry> = () => ({})) =>
    tracked(12, (n) => ({
      ...{ location: run, alive: 1, created: n, ended: n - 1, oldestMs: 1700, endedLeastMs: 2600, endedMaxMs: 2700 },
      ...fields(n),
    }));

  test('it is said how long one takes', () => {
    expect(find(growingPendingAsync, runs())).toMatchObject([
      {
        kind: 'overlapping-runs',
        severity: 'warning',
        location: run,
        message:
          'The next run of job always starts before the one before has ended: one starts every 2 s and takes 2.6 s, 8 times in 16 s.',
      },
    ]);
  });

  test('the program itself is the place, not the package that starts its job', () => {
    const scheduler = { ...run, file: '/srv/node_modules/scheduler/run.js' };
    const rows = runs().map((row) => ({
      ...row,
      entries: [{ ...row.entries[0]!, location: scheduler }, ...row.entries],
    }));
    expect(find(growingPendingAsync, rows)).toMatchObject([{ location: run }]);
  });

  test.each<[string, string[], Row[]]>([
    ['one that once took longer', [], runs((n) => ({ endedLeastMs: n === 7 ? 2600 : 700 }))],
    ['one that once took no longer than its period', [], runs((n) => ({ endedLeastMs: n === 7 ? 1900 : 2600 }))],
    ['two lanes, each of which begins when it has ended', [], runs(() => ({ endedLeastMs: 4000 }))],
    ['two at a time', [], runs((n) => ({ created: 2 * Math.ceil(n / 2), alive: 2 }))],
    ['three that run at a time', [], runs(() => ({ alive: 3 }))],
    ['short calls that come evenly', [], runs((n) => ({ created: 10 * n, endedLeastMs: 260, endedMaxMs: 300 }))],
    ['starts now and then', [], runs((n) => ({ created: n + 3 * (n % 3) }))],
    ['requests from outside', [], withInbound(1, runs())],
    ['a loop', [], runs(() => ({ loop: true }))],
    ['a host without a free core', ['info'], [...busy(100, 300), ...runs()]],
  ])('%s: %j', (_what, expected, rows) => {
    expect(severities(growingPendingAsync, rows)).toEqual(expected);
  });
});

describe('after a healthy past', () => {
  /** Quick for 50 rows; from then on nothing ends. */
  const broken = (fields: (n: number) => Partial<UnfinishedEntry> = () => ({})) =>
    tracked(56, (n) => {
      const late = Math.max(0, n - 50);
      const ended = 1000 * Math.min(n, 50);
      return {
        alive: 3 + 10 * late,
        created: ended + 3 + 10 * late,
        ended,
        oldestMs: late === 0 ? 20 : 2000 * late - 100,
        endedMaxMs: 400,
        usualMs: 32,
        ...fields(n),
      };
    });

  test('it is judged from the beginning of the oldest', () => {
    expect(find(growingPendingAsync, broken())).toMatchObject([
      { severity: 'warning', kind: 'suspended', evidence: { alive: 63, endedMeanwhile: 0 } },
    ]);
  });

  /** Three of the calls that ended did so within the rows. */
  const soon = (endedSinceOldest: number) =>
    tracked(8, (n) => ({
      alive: 14 * n,
      created: 22 + 14 * n,
      ended: n === 1 ? 19 : 22,
      oldestMs: 2000 * n - 100,
      usualMs: 128,
      endedSinceOldest,
    }));

  test.each<[string, string[], Row[]]>([
    ['a server that hangs as a whole', ['warning'], withInbound(63, broken())],
    ['that hangs soon', ['warning'], withInbound(112, soon(0))],
    ['that hangs for some', ['info'], withInbound(112, soon(1))],
    ['as before, where it usually takes that long', [], broken(() => ({ usualMs: 4096 }))],
    ['where nobody knows', [], broken(() => ({ usualMs: null }))],
    ['a burst that is over', [], broken((n) => (n === 56 ? { alive: 3, oldestMs: 30 } : {}))],
  ])('%s: %j', (_what, expected, rows) => {
    expect(severities(growingPendingAsync, rows)).toEqual(expected);
  });
});
