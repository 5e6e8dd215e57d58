import { describe, expect, test } from 'vitest';
import {
  fillingOf,
  isServed,
  meanOf,
  perSecond,
  secondsOf,
  sumOf,
  totalMs,
  waitingIn,
} from '../../src/detectors/busy-time.ts';
import { callback, functionsOf, innermost, toStack } from '../../src/detectors/sampled-frames.ts';
import type { Row, RowOf } from '../../src/recording/types.ts';
import { maxOf } from '../../src/util/numbers.ts';
import {
  cpu,
  created,
  deepSample,
  frame,
  gc,
  recordingOf,
  sampled,
  second,
  seconds,
  utilization,
} from '../support/recording.ts';

const joined = (...rows: Row[]) => secondsOf(recordingOf(rows));

describe('seconds', () => {
  test('the rows of one second are joined', () => {
    const rows = second(2000, { utilization: 0.9, turnMs: 20, cpuMs: 900, gcMs: 50, gcMaxMs: 8, waiting: 4 });
    expect(joined(...rows)).toEqual([
      {
        t: 2000,
        intervalMs: 1000,
        ownShare: 0.9,
        meanDelayMs: 20,
        cpuShare: 0.9,
        queueShare: 0,
        gcShare: 0.05,
        gcCount: 10,
        gcMaxMs: 8,
        waiting: 4,
        busy: true,
      },
    ]);
  });

  test('the time without a core is nobody’s', () => {
    const rows = second(2000, { utilization: 0.9, turnMs: 20, gcMs: 400, gcMaxMs: 300, cpuMs: 675, runQueueMs: 250 });
    expect(joined(...rows)).toMatchObject([
      { queueShare: 0.25, ownShare: 0.65, meanDelayMs: 15, gcShare: expect.closeTo(0.3, 5), gcMaxMs: 50 },
    ]);
  });

  test('a loop that was read late is held against the clock of the same time', () => {
    const late = { ...utilization(1, 12_000), activeMs: 10_000 };
    const rows = [3000, 4000, 5000, 6000, 7000, 8000, 9000, 10_000, 11_000].map((t) =>
      cpu({ t, mainThreadMs: 40, runQueueMs: 950 }),
    );
    const last = cpu({ t: 12_000, mainThreadMs: 900, runQueueMs: 0 });
    expect(joined(late, ...rows, last)).toMatchObject([
      { cpuShare: expect.closeTo(0.126, 3), queueShare: expect.closeTo(0.855, 3), busy: false },
    ]);
  });

  test('collections of the start are not those of a second that was read just after it', () => {
    const brief = { ...utilization(1), activeMs: 98, idleMs: 2 };
    const starting = gc({ t: 1000, maxMs: 815, totalMs: 819, observedMs: 993 });
    expect(joined(brief, starting)).toMatchObject([{ gcShare: 0, gcMaxMs: 0 }]);
    expect(joined(brief, { ...starting, observedMs: 100 })).toMatchObject([{ gcMaxMs: 815 }]);
  });

  test('a time that the clock of the thread was not read in says nothing of collections, nor of a busy loop', () => {
    const rows = second(9000, { utilization: 1, gcMs: 900, gcMaxMs: 800, without: ['cpu'] });
    expect(joined(cpu({ t: 2000 }), ...rows)).toMatchObject([{ gcShare: 0, gcMaxMs: 0, busy: false }]);
    expect(joined(...rows)).toMatchObject([{ gcShare: 0.9, gcMaxMs: 800, busy: true }]);
  });

  test('a loop that hardly ran was not busy, whatever held it up', () => {
    expect(joined(...second(2000, { utilization: 0.97, cpuMs: 300 }))).toMatchObject([{ busy: false }]);
    expect(joined(...second(2000, { utilization: 0.97, cpuMs: 930 }))).toMatchObject([{ busy: true }]);
  });

  test('collections that waited for helper threads, and those for a core, are as long as the thread ran', () => {
    const rows = second(2000, { utilization: 0.9, gcMs: 40, gcMaxMs: 8, cpuMs: 450 });
    expect(joined(...rows)).toMatchObject([{ gcShare: 0.02, gcMaxMs: 4 }]);
  });

  test.each([
    [0.88, 0, true],
    [0.87, 0, false],
    [0.97, 500, true],
    [0.9, 500, false],
    [0.98, 540, false],
  ])('a loop of %d, of it %d ms without a core: busy %s', (busy, runQueueMs, expected) => {
    expect(joined(...second(2000, { utilization: busy, runQueueMs }))[0]?.busy).toBe(expected);
  });

  test('what is not known is null, a second without collections has none', () => {
    expect(joined(utilization(0.9, 2000))).toMatchObject([
      { meanDelayMs: null, cpuShare: null, queueShare: 0, gcShare: 0, gcMaxMs: 0, waiting: 0, busy: true },
    ]);
    const silent = cpu({ t: 2000, mainThreadMs: null, runQueueMs: null });
    expect(joined(utilization(0.9, 2000), silent)).toMatchObject([{ cpuShare: null, queueShare: 0 }]);
  });

  test('rows of another second are not taken', () => {
    const near = joined(utilization(0.9, 2000), cpu({ t: 2600, mainThreadMs: 500 }));
    const far = joined(utilization(0.9, 2000), cpu({ t: 2601, mainThreadMs: 500 }));
    expect([near[0]?.cpuShare, far[0]?.cpuShare]).toEqual([0.5, null]);
    const both = [cpu({ t: 1800, mainThreadMs: 100 }), cpu({ t: 2100, mainThreadMs: 200 })];
    expect(joined(utilization(0.9, 2000), ...both)[0]?.cpuShare).toBeCloseTo(0.153, 3);
  });

  test('start-up does not count', () => {
    expect(joined(...seconds(3, {}, 1000)).map(({ t }) => t)).toEqual([2000, 3000]);
    expect(joined({ ...utilization(1, 4000), activeMs: 3900 })).toEqual([]);
  });

  test('no time on the clock is no figure', () => {
    const still = cpu({ t: 2000, intervalMs: 0, mainThreadMs: 0 });
    expect(joined(utilization(0.9, 2000), still)).toMatchObject([{ cpuShare: 0, queueShare: 0, busy: true }]);
  });

  test('sums and means are weighted by time', () => {
    const both = joined(utilization(1, 2000), { ...utilization(0, 5000), idleMs: 3000 });
    expect(totalMs(both)).toBe(4000);
    expect(sumOf(both, (one) => one.ownShare)).toBe(1000);
    expect(meanOf(both, (one) => one.ownShare)).toBe(0.25);
    expect(meanOf(both, (one) => one.cpuShare)).toBeNull();
  });

  test('served is where something waited for two seconds', () => {
    expect(isServed(joined(...seconds(2, { waiting: 1 }), ...seconds(5, { waiting: 0 }, 9000)))).toBe(true);
    expect(isServed(joined(...seconds(1, { waiting: 1 }), ...seconds(5, { waiting: 0 }, 9000)))).toBe(false);
  });
});

describe('numbers', () => {
  test('none is infinite, and there may be very many', () => {
    expect([perSecond(5, 100), perSecond(5, 0)]).toEqual([50, 0]);
    expect([maxOf([]), maxOf([1, 3, 2])]).toEqual([0, 3]);
    expect(maxOf(Array.from({ length: 1_000_000 }, (_, i) => i))).toBe(999_999);
  });

  test('what waited: as deep samples saw it, else as last counted', () => {
    const recording = recordingOf(seconds(2, { waiting: 7 }));
    expect(waitingIn(recording)).toBe(7);
    expect(waitingIn(recording, [deepSample({ waiting: 2 }), deepSample({ waiting: null })])).toBe(2);
    expect(waitingIn(recording, [deepSample({ waiting: null })])).toBe(7);
    expect(waitingIn(recordingOf([]))).toBe(0);
  });
});

describe('what fills a deep sample', () => {
  const timers = { type: 'Timeout', count: 600, sites: [] };
  const filling = (fields: Partial<RowOf<'deep-sample'>>, around: Parameters<typeof second>[1] = {}) =>
    fillingOf(deepSample(fields), recordingOf(second(4500, around)));

  test.each([
    ['callbacks', {}, {}],
    ['computation', { turnedPairs: 50 }, {}],
    ['callbacks', { turnedPairs: 50, stacks: [] }, {}],
    ['awaits', { turnedPairs: 50, created: created({ promises: 100_000 }) }, {}],
    ['polling', { turnedPairs: 50 }, { turns: 20_000, events: 0 }],
    ['computation', { turnedPairs: 50 }, { turns: 20_000, events: 6000 }],
    ['timers', { turnedPairs: 50, created: created({ promises: 100_000, resources: [timers] }) }, { timers: 5000 }],
    ['awaits', { turnedPairs: 50, created: created({ promises: 100_000, resources: [timers] }) }, { timers: 1999 }],
    [null, { samples: 0, busySamples: 0, pairs: 0, turnedPairs: 0, stacks: [] }, {}],
    [null, { samples: 9, busySamples: 9 }, {}],
    [null, { busySamples: 49 }, {}],
  ] as const)('%s: %j %j', (expected, fields, around) => {
    expect(filling(fields as Partial<RowOf<'deep-sample'>>, around)).toBe(expected);
  });
});

describe('frames', () => {
  const node = frame('processTimers', 500, { file: 'node:internal/timers', category: 'node' });
  const library = frame('next', 80, { file: '/srv/node_modules/lib/index.js', category: 'dependency' });
  const awaiting = frame('main', 90, { awaits: true });

  test('the innermost is the user’s own that runs, else one that awaits, else a package’s', () => {
    expect(innermost([node, library, frame('handler'), frame('outer'), awaiting])?.function).toBe('handler');
    expect(innermost([library, awaiting])?.function).toBe('main');
    expect(innermost([node, library])?.function).toBe('next');
    expect(innermost([node])).toBeNull();
  });

  test('the callback is the outermost that runs', () => {
    expect(callback([library, frame('handler'), frame('outer'), node, awaiting])?.function).toBe('outer');
    expect(callback([library, node])?.function).toBe('next');
  });

  test('functions by their share of the stacks, each at its busiest line', () => {
    const stacks = [
      sampled(3, [frame('a', 1)]),
      sampled(5, [frame('a', 2)]),
      sampled(10, [frame('b', 9)]),
      sampled(2, [node]),
    ];
    const hot = functionsOf(deepSample({ stacks })).map(({ location, share }) => [
      location.function,
      location.line,
      share,
    ]);
    expect(hot).toEqual([
      ['b', 9, 0.5],
      ['a', 2, 0.4],
    ]);
    expect(functionsOf(deepSample({ stacks: [] }))).toEqual([]);
  });

  test('a stack as findings show it has no frames without a file', () => {
    const native = frame('map', 0, { file: '', category: 'native' });
    expect(toStack([native, frame('handler')])).toEqual([
      { file: '/srv/app.js', line: 12, column: 3, function: 'handler' },
    ]);
  });
});
