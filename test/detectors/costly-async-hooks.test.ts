import { describe, expect, test } from 'vitest';
import { judge } from '../../src/detectors/judge.ts';
import { costlyAsyncHooks } from '../../src/detectors/rules/costly-async-hooks.ts';
import type { DeepSampleStack, Frame, Location, ProgramHooks, RowOf } from '../../src/recording/types.ts';
import {
  asOldFormat,
  created,
  deepSample,
  find,
  frame,
  location,
  outcome,
  recordingOf,
  sampled,
  seconds,
  severities,
} from '../support/recording.ts';

const node = (name: string, file = 'node:internal/async_hooks'): Frame => frame(name, 202, { file, category: 'node' });
const DISPATCH = [node('emitInitNative'), node('emitInitScript'), node('promiseInitHook')];
const tracer: Location = { ...location, file: '/srv/node_modules/tracer/index.js', line: 4, function: 'start' };
const enabledAt: Location = { ...location, line: 30, function: 'start' };

const busy = { utilization: 0.99 };
const working = (count: number): DeepSampleStack => sampled(count, [frame('handler')]);
const inStorages = (count: number, file = 'node:async_hooks'): DeepSampleStack =>
  sampled(count, [node('init', file), ...DISPATCH, frame('handler')]);
const inHook = (count: number, more: Partial<Frame> = {}): DeepSampleStack =>
  sampled(count, [frame('', 5, more), ...DISPATCH, frame('handler')]);
const inNode = (count: number): DeepSampleStack => sampled(count, [...DISPATCH, frame('handler')]);

const storages = (count: number): ProgramHooks => ({
  storages: count,
  storageSites: [{ count: 16, location: enabledAt }],
  hooks: [],
});
const hook = (fields: Partial<ProgramHooks['hooks'][number]> = {}): ProgramHooks => ({
  storages: 0,
  storageSites: [],
  hooks: [{ callbacks: ['init', 'destroy'], promises: true, location: enabledAt, ...fields }],
});
const seen = (stacks: DeepSampleStack[], programHooks?: ProgramHooks, more: Partial<RowOf<'deep-sample'>> = {}) =>
  deepSample({ stacks, created: created({ promises: 5000 }), ...(programHooks && { programHooks }), ...more });

describe('AsyncLocalStorage', () => {
  test('how many there are, who began them, and the share of the stacks that they take', () => {
    const before = seen([working(100)], storages(200), { startMs: 1500, t: 3500 });
    const [finding, ...others] = find(costlyAsyncHooks, [
      ...seconds(6, busy),
      before,
      seen([inStorages(80), working(20)], storages(585)),
    ]);
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      severity: 'warning',
      kind: 'storages',
      message:
        '585 instances of AsyncLocalStorage are in use (385 more than 2 s earlier), most of them begun in start: carrying them takes 40 % of the time in which the thread works, as each promise and each callback gets all of them.',
      location: enabledAt,
      count: 80,
      evidence: {
        share: 0.4,
        stacks: 200,
        busyMs: 6000,
        promisesPerSecond: 50_000,
        storages: 585,
        storagesBefore: 200,
      },
    });
  });

  test.each([
    ['sixteen that take a quarter', ['info'], [...seconds(3, busy), seen([inStorages(25), working(75)], storages(16))]],
    [
      'where Node 22 has them',
      ['info'],
      [
        ...seconds(3, busy),
        seen([inStorages(25, 'node:internal/async_local_storage/async_hooks'), working(75)], storages(16)),
      ],
    ],
    ['fifteen, as a framework and its tracers have', [], [...seconds(3, busy), seen([inStorages(100)], storages(15))]],
    ['one that takes nearly everything', [], [...seconds(9, busy), seen([inStorages(100)], storages(1))]],
    ['they take less', [], [...seconds(9, busy), seen([inStorages(24), working(76)], storages(900))]],
    [
      'stacks between two calls count as work',
      [],
      [...seconds(9, busy), seen([inStorages(40)], storages(900), { framelessSamples: 121 })],
    ],
    [
      'Node’s part of it counts',
      ['info'],
      [...seconds(3, busy), seen([inStorages(5), inNode(20), working(75)], storages(16))],
    ],
    ['too few stacks', [], [...seconds(9, busy), seen([inStorages(19)], storages(900))]],
    [
      'the loop has time to spare',
      ['info'],
      [...seconds(9, { utilization: 0.5 }), seen([inStorages(50)], storages(900))],
    ],
    [
      'nothing waits: a batch job',
      ['info'],
      [...seconds(9, busy), seen([inStorages(50)], storages(900), { waiting: 0 })],
    ],
    ['an older recording, which does not know who enabled what', [], [...seconds(9, busy), seen([inStorages(100)])]],
    ['a recording of format 1.0', [], asOldFormat([...seconds(9, busy), seen([inStorages(100)], storages(900))])],
  ] as const)('%s: %j', (_what, expected, rows) => {
    expect(severities(costlyAsyncHooks, [...rows])).toEqual(expected);
  });

  test('code that they run is not theirs', () => {
    const run = [frame('handler'), node('run', 'node:async_hooks'), frame('onRequest')];
    const callback = [frame('handler'), node('callbackTrampoline')];
    const awaited = [frame('handler'), ...DISPATCH.map((one): Frame => ({ ...one, awaits: true }))];
    const stacks = [run, callback, awaited].map((frames) => sampled(30, frames));
    expect(find(costlyAsyncHooks, [...seconds(9, busy), seen(stacks, storages(900))])).toEqual([]);
  });
});

describe('hooks', () => {
  test('where it was enabled, what it is called for, and the share of the stacks that it takes', () => {
    const rows = [...seconds(4, busy), seen([inHook(60), inNode(10), working(30)], hook())];
    const [finding, ...others] = find(costlyAsyncHooks, rows);
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      severity: 'warning',
      kind: 'hook',
      message:
        'An async hook, enabled in start, takes 70 % of the time in which the thread works: it runs for each promise and each callback.',
      location: enabledAt,
      confidence: 0.9,
      evidence: { share: 0.7, callbacks: ['init', 'destroy'] },
    });
  });

  test('a package that enabled it is named, and the program’s line is the place', () => {
    const stacks = [inHook(60, { file: tracer.file, category: 'dependency' }), working(40)];
    const [finding] = find(costlyAsyncHooks, [
      ...seconds(4, busy),
      seen(stacks, hook({ package: 'tracer', promises: false })),
    ]);
    expect(finding).toMatchObject({
      message:
        'An async hook of tracer, enabled in start, takes 60 % of the time in which the thread works: it runs for each callback.',
      location: enabledAt,
      evidence: { package: 'tracer' },
    });
  });

  test('one that was there before evdiag has its callback as its place', () => {
    const stacks = [inHook(60, { file: tracer.file, function: 'onInit', category: 'dependency' }), working(40)];
    const [finding] = find(costlyAsyncHooks, [...seconds(4, busy), seen(stacks)]);
    expect(finding).toMatchObject({
      message: expect.stringMatching(/^An async hook of tracer \(onInit\) takes 60 %/),
      location: { file: tracer.file, function: 'onInit' },
    });
  });

  test.each([
    ['a quarter', ['info'], [inHook(25), working(75)]],
    ['four in ten', ['warning'], [inHook(40), working(60)]],
    ['a little less', ['info'], [inHook(39), working(61)]],
    ['less than a quarter', [], [inHook(24), working(76)]],
    [
      'beside a single AsyncLocalStorage, each has its part of what Node takes',
      [],
      [inHook(20), inStorages(20), inNode(8), working(60)],
    ],
    ['Node’s frames alone, as hooks of evdiag leave them', [], [inNode(100)]],
  ] as const)('%s: %j', (_what, expected, stacks) => {
    expect(severities(costlyAsyncHooks, [...seconds(9, busy), seen([...stacks], hook())])).toEqual(expected);
  });

  test('what fills a loop for that reason is a symptom, if it is the larger part', () => {
    const rulesOf = (count: number): string[] => {
      const stacks = [inHook(count), working(100 - count)];
      const rows = [...seconds(5, busy), seen(stacks, hook(), { created: created({ promises: 2e5 }) })];
      return judge(recordingOf(rows)).findings.map(({ rule, symptoms }) =>
        [rule, ...symptoms.map((one) => one.rule)].join(' > '),
      );
    };
    expect(rulesOf(60)).toEqual(['costly-async-hooks > task-switch-churn']);
    expect(rulesOf(40).sort()).toEqual(['costly-async-hooks', 'task-switch-churn']);
  });
});

test('no deep sample: no data; a deep sample without hooks: clear', () => {
  expect(outcome(costlyAsyncHooks, seconds(9, busy))).toBe('no-data');
  expect(outcome(costlyAsyncHooks, [...seconds(9, busy), deepSample()])).toBe('clear');
});
