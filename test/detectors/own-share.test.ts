import { describe, expect, test } from 'vitest';
import { blockedEventLoop } from '../../src/detectors/rules/blocked-event-loop.ts';
import { isHeldUp, ownMs } from '../../src/detectors/stalls.ts';
import type { Row, RowOf, StallKind } from '../../src/recording/types.ts';
import { cpu, find, stall } from '../support/recording.ts';

const SLOW_MS = 100;
type Fields = Partial<RowOf<'stall'>>;

const pressed = { of: 'container', cpuMs: 0, ioMs: 0, memoryMs: 0 } as const;

/** What is left for the code of a stall of a second. */
const left = (kind: StallKind, fields: Fields): number => ownMs(stall({ kind, durationMs: 1000, ...fields }));

describe('the code’s own share of a second', () => {
  const starved = { cpuMs: 25, runQueueMs: 600 };
  test.each<[string, StallKind, Fields, number]>([
    ['computation is what ran on a core', 'js-cpu', starved, 25],
    ['so is a regular expression', 'regexp', starved, 25],
    ['and JSON', 'json', { cpuMs: 73, runQueueMs: 0 }, 73],
    ['and a collection, whose helpers had no core', 'gc', { ...starved, gcMs: 900, sleptMs: 375 }, 25],
    ['and cryptography', 'sync-crypto', starved, 25],
    ['and modules, whose pages were loaded from a disk', 'module-load', { ...starved, diskMs: 375 }, 25],
    ['a native call that waits for itself', 'js-cpu', { cpuMs: 5, runQueueMs: 20, sleptMs: 960 }, 965],
    ['a sleep is all of it but waits for a core', 'sync-sleep', { cpuMs: 0, runQueueMs: 40, sleptMs: 950 }, 950],
    ['a write that waits for a reader', 'sync-stdio', { cpuMs: 10, runQueueMs: 40, sleptMs: 940 }, 950],
    ['a sleep in Atomics.wait', 'sync-sleep', { cpuMs: 0, runQueueMs: 300, sleptMs: 0, lockedMs: 690 }, 690],
    ['a lock of a thread that has no core', 'sync-fs', { cpuMs: 10, runQueueMs: 310, sleptMs: 0, lockedMs: 660 }, 10],
    ['the same, in a computation', 'js-cpu', { cpuMs: 10, runQueueMs: 310, sleptMs: 0, lockedMs: 660 }, 10],
    [
      'the same, where only others were seen to wait for a core',
      'js-cpu',
      { cpuMs: 10, runQueueMs: 40, sleptMs: 0, lockedMs: 760, pressure: { ...pressed, cpuMs: 840 } },
      10,
    ],
    ['a lock on an idle host', 'js-cpu', { cpuMs: 10, runQueueMs: 5, sleptMs: 0, lockedMs: 980 }, 990],
    ['a write that waited for a core', 'sync-stdio', { cpuMs: 10, runQueueMs: 970, sleptMs: 900 }, 30],
    ['a file that waited for the disk', 'sync-fs', { cpuMs: 2, runQueueMs: 10, sleptMs: 0, diskMs: 980 }, 2],
    ['a machine that stood still', 'sync-fs', { cpuMs: 2, runQueueMs: 0, sleptMs: 8, diskMs: 0 }, 10],
    ['an older agent did not look at the state', 'sync-fs', { cpuMs: 2, runQueueMs: 300 }, 700],
    [
      'a child in a throttled container',
      'sync-child-process',
      { cpuMs: 2, runQueueMs: 8, throttledMs: 700, diskMs: 900 },
      292,
    ],
    ['a platform that tells nothing', 'js-cpu', { cpuMs: null, runQueueMs: null }, 1000],
  ])('%s', (_what, kind, fields, ms) => {
    expect(left(kind, fields)).toBeCloseTo(ms, 5);
  });

  test('what would have been a stall alone is the code’s', () => {
    const of = (fields: Fields) => isHeldUp(stall({ kind: 'js-cpu', ...fields }), SLOW_MS);
    expect(of({ durationMs: 940, cpuMs: 73, runQueueMs: 0 })).toBe(true);
    expect(of({ durationMs: 940, cpuMs: 400, runQueueMs: 500 })).toBe(false);
    expect(of({ durationMs: 110, cpuMs: 90, runQueueMs: 5 }), 'clocks disagree').toBe(false);
  });
});

const one = (fields: Fields, head = {}) => find(blockedEventLoop, [stall({ kind: 'js-cpu', ...fields })], head)[0]!;

test('numbers, severity and score are of the code’s own share, and the rest is told', () => {
  const finding = one({ durationMs: 2400, cpuMs: 400, runQueueMs: 1900, diskMs: 0, sleptMs: 0 });
  expect(finding).toMatchObject({
    severity: 'warning',
    message:
      'The event loop was blocked for 400 of 2400 ms by JavaScript computation in handler; in addition the thread waited 1.9 s for a core.',
    evidence: { maxMs: 400, totalMs: 400, wallMs: 2400 },
  });
  expect(finding.score).toBe(one({ durationMs: 400, cpuMs: 400 }).score);
});

test('a recording of an older agent is judged anew', () => {
  const finding = one({ kind: 'regexp', durationMs: 848, cpuMs: 25, runQueueMs: 90 });
  expect(finding).toMatchObject({ kind: 'host', severity: 'info', location: null });
});

test.each<[string, Fields, number | null, string]>([
  [
    'a CPU limit',
    { cpuMs: 73, runQueueMs: 867, throttledMs: 640 },
    0.2,
    'The CPU limit delayed the main thread for 940 ms: the container may use 0.2 of a core and was throttled for 640 ms. The code itself ran for 73 ms of 940 ms.',
  ],
  [
    'a busy machine',
    { cpuMs: 73, runQueueMs: 860 },
    null,
    'A busy host, not your code, delayed the main thread for 940 ms. The code itself ran for 73 ms of 940 ms.',
  ],
  [
    'a disk',
    { cpuMs: 9, runQueueMs: 10, diskMs: 900, majorFaults: 12, sleptMs: 0 },
    null,
    'A slow disk delayed the main thread for 940 ms: it waited for the disk for 900 ms (12 pages had to be loaded). The machine was slow, not your code. The code itself ran for 9 ms of 940 ms.',
  ],
  [
    'little of it a disk',
    { cpuMs: 90, runQueueMs: 10, diskMs: 168, kernelMs: 100, sleptMs: 0 },
    null,
    'The machine delayed the main thread for 940 ms: it waited 168 ms for a disk and 100 ms in the kernel. The code itself ran for 90 ms of 940 ms.',
  ],
  [
    'a lock of the kernel',
    { cpuMs: 9, runQueueMs: 10, diskMs: 0, kernelMs: 900, sleptMs: 0 },
    null,
    'The machine delayed the main thread for 940 ms: it waited 900 ms in the kernel. The code itself ran for 9 ms of 940 ms.',
  ],
  [
    'want of memory',
    { cpuMs: 9, runQueueMs: 10, diskMs: 900, majorFaults: 12, sleptMs: 0, pressure: { ...pressed, memoryMs: 880 } },
    null,
    'A lack of memory delayed the main thread for 940 ms: the container is short of memory, and the thread spent 900 ms on reading pages back (12 pages had to be loaded). The code itself ran for 9 ms of 940 ms.',
  ],
  [
    'others that want the cores of the container',
    { cpuMs: 73, runQueueMs: 860, pressure: { ...pressed, cpuMs: 893 } },
    null,
    'A busy host, not your code, delayed the main thread for 940 ms. The code itself ran for 73 ms of 940 ms. Tasks in the container waited for a core 95 % of that time.',
  ],
  [
    'a limit that was set since the start',
    { cpuMs: 73, runQueueMs: 867, throttledMs: 640, limitCpus: 0.2 },
    null,
    'The CPU limit delayed the main thread for 940 ms: the container may use 0.2 of a core and was throttled for 640 ms. The code itself ran for 73 ms of 940 ms.',
  ],
  [
    'something that nothing tells',
    { cpuMs: 9, runQueueMs: 10, diskMs: 0, sleptMs: 0 },
    null,
    'The machine delayed the main thread for 940 ms. The code itself ran for 9 ms of 940 ms.',
  ],
])('a stall of the host says what it was: %s', (_what, fields, containerCpus, message) => {
  const finding = one({ kind: 'host', durationMs: 940, ...fields }, { containerCpus });
  expect(finding).toMatchObject({ message, severity: 'info', location: null, evidence: { maxMs: 940 } });
  expect(finding.remedy).toMatch(
    /^Raise the CPU limit|^Give (it more memory|the (process a core|machine more memory))/,
  );
});

test('the share of the time that is blocked is one of the time that the host left', () => {
  const blocks = [1, 2, 3, 4].map((n) =>
    stall({ kind: 'js-cpu', t: n * 1000, startMs: n * 1000 - 200, durationMs: 200, cpuMs: 200 }),
  );
  const held = stall({ kind: 'host', t: 17_000, startMs: 7000, durationMs: 10_000, cpuMs: 20, runQueueMs: 9900 });
  const severityAfter = (endMs: number, ...more: RowOf<'stall'>[]) => {
    const rows = [...blocks, ...more, cpu({ t: endMs })];
    return find(blockedEventLoop, rows).find(({ kind }) => kind === 'js-cpu')!.severity;
  };
  expect(severityAfter(7500)).toBe('critical');
  expect(severityAfter(17_500, held), 'the same program on a busy machine').toBe('critical');
  expect(severityAfter(17_500), 'a program that idles for so long').toBe('warning');
});

test('a stall that lasts to the end of the recording is judged by its clocks as well', () => {
  const open = (fields: object): Row => ({
    t: 3000,
    type: 'stall-open',
    id: 9,
    startMs: 1000,
    durationMs: 2000,
    kind: null,
    location: null,
    waiting: 1,
    ...fields,
  });
  expect(find(blockedEventLoop, [open({ cpuMs: 20, runQueueMs: 1900 })])).toMatchObject([
    { kind: 'host', severity: 'info' },
  ]);
  expect(find(blockedEventLoop, [open({ cpuMs: 1950, runQueueMs: 10 })])).toMatchObject([{ severity: 'critical' }]);
  const asleep = open({ cpuMs: 5, runQueueMs: 10, sleptMs: 1980 });
  expect(find(blockedEventLoop, [asleep])).toMatchObject([{ severity: 'critical' }]);
});
