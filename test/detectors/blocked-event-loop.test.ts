import { expect, test } from 'vitest';
import { CONFIDENCE } from '../../src/detectors/confidence.ts';
import { blockedEventLoop } from '../../src/detectors/rules/blocked-event-loop.ts';
import type { Row, StallKind } from '../../src/recording/types.ts';
import { delayRow, foundIn, frame, location, recordingOf, stall } from '../support/recording.ts';

/** A minute of recording with these rows. */
const findings = (...rows: Row[]) => foundIn(blockedEventLoop, recordingOf([...rows, delayRow(5, 60_000)]));
const harmful = { waiting: 3, startup: false, debugger: false };

test('stalls of one call are one finding with count, max and total', () => {
  const [finding, ...others] = findings(
    stall({ ...harmful, id: 1, durationMs: 300 }),
    stall({ ...harmful, id: 2, durationMs: 500 }),
  );
  expect(others).toEqual([]);
  expect(finding).toMatchObject({
    severity: 'warning',
    kind: 'sync-fs',
    count: 2,
    location,
    evidence: { maxMs: 500, totalMs: 800 },
  });
});

test('a stall that one stack alone tells is that of the call which others prove to block', () => {
  const json = (id: number, kind: 'json' | 'js-cpu', count: number) => {
    const stacks = [{ weightMs: 100, kind: 'json' as const, location, count, frames: [frame('handler')] }];
    return stall({ ...harmful, id, kind, durationMs: 150, cpuMs: 150, location, stacks });
  };
  expect(findings(json(1, 'json', 3), json(2, 'js-cpu', 1), json(3, 'js-cpu', 1))).toMatchObject([
    { kind: 'json', count: 3 },
  ]);
  // Nobody has proven anything: one stack each may be chance.
  expect(findings(json(1, 'js-cpu', 1), json(2, 'js-cpu', 1))).toMatchObject([{ kind: 'js-cpu', count: 2 }]);
  const elsewhere = { ...json(2, 'js-cpu', 1), location: { ...location, line: 99 } };
  elsewhere.stacks = elsewhere.stacks.map((one) => ({ ...one, location: elsewhere.location }));
  expect(findings(json(1, 'json', 3), elsewhere)).toHaveLength(2);
});

test('single calls at two lines of one function are two findings, computation is one', () => {
  const other = { ...location, line: 20 };
  const pair = (kind: 'sync-fs' | 'js-cpu') =>
    findings(stall({ ...harmful, kind, id: 1 }), stall({ ...harmful, kind, id: 2, location: other }));
  expect(pair('sync-fs')).toHaveLength(2);
  expect(pair('js-cpu')).toHaveLength(1);
});

test.each([
  ['two short stalls', 'info', [stall({ ...harmful, durationMs: 120 }), stall({ ...harmful, durationMs: 130, id: 2 })]],
  ['three short stalls', 'warning', [1, 2, 3].map((id) => stall({ ...harmful, id, durationMs: 120 }))],
  ['one of a quarter of a second', 'warning', [stall({ ...harmful, durationMs: 250 })]],
  ['one of a second', 'critical', [stall({ ...harmful, durationMs: 1000 })]],
  [
    'a tenth of the time',
    'critical',
    Array.from({ length: 31 }, (_, id) => stall({ ...harmful, id, durationMs: 200 })),
  ],
  ['start-up', 'info', [stall({ ...harmful, startup: true, durationMs: 4900 })]],
  ['a busy host', 'info', [stall({ ...harmful, kind: 'host', durationMs: 5000 })]],
  [
    'a second, most of it waits for a core',
    'info',
    [stall({ ...harmful, durationMs: 1100, cpuMs: 200, runQueueMs: 900 })],
  ],
  ['nothing waited', 'info', [stall({ ...harmful, waiting: 0, durationMs: 5000 })]],
  ['nobody knows what waited', 'info', [stall({ ...harmful, waiting: null, durationMs: 5000 })]],
] as const)('%s: %s', (_what, severity, rows) => {
  expect(findings(...rows).map((finding) => finding.severity)).toEqual([severity]);
});

test.each([
  ['that serves then', 'warning', {}, 'application', true],
  ['that listens already', 'warning', { waiting: 1 }, 'application', false],
  ['that serves nobody', 'info', {}, 'application', false],
  ['that waits for a core', 'info', { cpuMs: 2000, runQueueMs: 4000 }, 'application', true],
  ['that loads modules', 'info', { kind: 'module-load' }, 'application', true],
  ['of which a package computes while it is loaded', 'info', {}, 'dependency', true],
] as const)('six seconds before the first turn, of a program %s: %s', (_what, severity, fields, category, isServer) => {
  const stacks = [{ weightMs: 6000, kind: 'js-cpu' as const, location, count: 9, frames: [{ ...location, category }] }];
  const start = { startup: true, waiting: 0, kind: 'js-cpu' as const, durationMs: 6000, cpuMs: 6000, stacks };
  const servers = { t: 7000, type: 'active-resources', total: 1, counts: { TCPServerWrap: 1 }, waiting: 0 } as const;
  const [finding, ...others] = findings(stall({ ...start, ...fields }), ...(isServer ? [servers] : []));
  expect(others).toEqual([]);
  expect(finding).toMatchObject({
    severity,
    location,
    startup: true,
    message: expect.stringMatching(/^Start-up blocked/),
  });
});

test('a call that is known by name, of which the cause is sure, needs less than others to be a warning', () => {
  const severities = (kind: StallKind, durationMs: number, count: number, startup = false) => {
    const stacks = [{ weightMs: durationMs, kind, location, count, frames: [frame('handler')] }];
    const row = stall({ ...harmful, kind, durationMs, cpuMs: durationMs, startup, stacks });
    return findings(row).map(({ severity }) => severity);
  };
  expect(severities('sync-crypto', 200, 3)).toEqual(['warning']);
  expect(severities('sync-crypto', 140, 3)).toEqual(['info']);
  expect(severities('sync-crypto', 200, 1), 'one stack').toEqual(['info']);
  expect(severities('js-cpu', 200, 3), 'one odd request').toEqual(['info']);
  expect(severities('module-load', 200, 3), 'happens once').toEqual(['info']);
  expect(severities('sync-crypto', 200, 3, true)).toEqual(['info']);
});

test('of a thread that hardly had a core, little more than the threshold is no alarm, however often', () => {
  const held = (cpuMs: number, id: number) =>
    stall({ ...harmful, id, startMs: id * 2000, durationMs: 920, cpuMs, runQueueMs: 920 - cpuMs });
  const times = (cpuMs: number) => findings(held(cpuMs, 1), held(cpuMs, 2), held(cpuMs, 3));
  expect(times(105)).toMatchObject([{ severity: 'info', confidence: CONFIDENCE.held }]);
  expect(times(180)).toMatchObject([{ severity: 'warning', confidence: CONFIDENCE.held }]);
  const free = (id: number) => stall({ ...harmful, id, startMs: id * 2000, durationMs: 105, cpuMs: 105 });
  expect(findings(free(1), free(2), free(3))).toMatchObject([{ severity: 'warning' }]);
});

test('a breakpoint is not a stall; what ran beside a debugger that paused once is', () => {
  const attached = { ...harmful, kind: 'js-cpu', debugger: true, durationMs: 9000 } as const;
  expect(findings(stall({ ...attached, cpuMs: 20, sleptMs: 8900 }))).toEqual([]);
  expect(findings(stall({ ...attached, cpuMs: null, runQueueMs: null }))).toEqual([]);
  expect(findings(stall({ ...attached, own: true, cpuMs: 9000, sleptMs: 0 }))).toEqual([]);
  expect(findings(stall({ ...attached, cpuMs: 9000 })), 'of an older agent').toEqual([]);
  expect(findings(stall({ ...attached, cpuMs: 8300, runQueueMs: 200, sleptMs: 500 }))).toMatchObject([
    { severity: 'critical', location, evidence: { maxMs: 8300, totalMs: 8300 } },
  ]);
});

test('a wait for another thread, without a line of code, is neither the machine’s nor the code’s', () => {
  const [finding] = findings(
    stall({
      ...harmful,
      kind: 'host',
      durationMs: 4000,
      cpuMs: 20,
      runQueueMs: 5,
      lockedMs: 3900,
      location: null,
      stacks: [],
    }),
  );
  expect(finding).toMatchObject({ severity: 'info', location: null });
  expect(finding!.message).toBe(
    'The main thread stood still for 4000 ms: it waited 3.9 s for another thread of the process, as at a lock of native code or a pause of a debugger. The code itself ran for 20 ms of 4 s.',
  );
  expect(finding!.remedy).toContain('native add-ons, debuggers and profilers');
});

test('a stall that had not ended when the process was killed is found by its last opening row', () => {
  const open = { type: 'stall-open', id: 7, startMs: 58_000, kind: 'sync-fs', location } as const;
  const [finding] = findings({ ...open, t: 58_100, durationMs: 100 }, { ...open, t: 59_500, durationMs: 1500 });
  expect(finding).toMatchObject({ severity: 'critical', count: 1, location, evidence: { maxMs: 1500 } });
});

test('the host is blamed without a place in the code', () => {
  const [finding] = findings(stall({ ...harmful, kind: 'host', cpuMs: 20, runQueueMs: 380 }));
  expect(finding?.location).toBeNull();
  expect(finding?.message).toMatch(/^A busy host, not your code, delayed the main thread/);
});
