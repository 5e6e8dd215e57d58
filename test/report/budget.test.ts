import { describe, expect, test } from 'vitest';
import type { Finding } from '../../src/detectors/types.ts';
import type { Row } from '../../src/recording/types.ts';
import { budgetText } from '../../src/report/budget/budget-text.ts';
import { isKept, judgeBudget } from '../../src/report/budget/judge-budget.ts';
import type { Budget } from '../../src/report/budget/types.ts';
import { buildReport } from '../../src/report/report.ts';
import type { RouteReport } from '../../src/report/routes.ts';
import { painter } from '../../src/util/terminal.ts';
import { recordingOf, stall } from '../support/recording.ts';

const delay = (t: number, ms: Partial<Record<'p50' | 'p90' | 'p99' | 'max', number>> = {}) => ({
  t,
  type: 'event-loop-delay' as const,
  count: 100,
  meanMs: 10,
  p50Ms: ms.p50 ?? 10,
  p90Ms: ms.p90 ?? 10,
  p99Ms: ms.p99 ?? 10,
  maxMs: ms.max ?? 10,
  heartbeatMaxMs: 10,
});
const loop = (t: number, utilization: number) => ({
  t,
  type: 'event-loop-utilization' as const,
  utilization,
  activeMs: utilization * 1000,
  idleMs: (1 - utilization) * 1000,
});

function judged(budget: Budget, rows: Row[], findings?: Partial<Finding>[]) {
  const recordings = [recordingOf(rows, { threadId: 0 })];
  const report = buildReport(recordings);
  return judgeBudget(budget, findings ? { ...report, findings: findings as Finding[] } : report, recordings);
}

const one = (budget: Budget, rows: Row[]) => judged(budget, rows)[0]!;

describe('stalls', () => {
  const rows = [delay(1000), stall({ durationMs: 400, cpuMs: 400, runQueueMs: 0 }), delay(2000)];

  test.each([
    [399, 'exceeded'],
    [400, 'kept'],
  ] as const)('of 400 ms with at most %i ms: %s', (maxStallMs, state) =>
    expect(one({ maxStallMs }, rows)).toMatchObject({ state, value: 400 }),
  );

  test('the line is named', () => {
    expect(one({ maxStallMs: 100 }, rows).where).toMatch(/:\d+$/);
  });

  test.each([
    ['start-up', { startup: true }],
    ['a wait for a core', { kind: 'js-cpu' as const, cpuMs: 5, runQueueMs: 395 }],
    ['a dump of evdiag', { own: true as const }],
    ['a breakpoint', { debugger: true, cpuMs: 1, runQueueMs: 0, sleptMs: 399 }],
  ])('%s is none', (_, fields) => {
    const others = [delay(1000), stall({ durationMs: 400, ...fields })];
    expect(one({ maxStallMs: 100 }, others).state).toBe('kept');
  });

  test('without any reading nothing is known, which is not kept', () => {
    const results = judged({ maxStallMs: 100 }, []);
    expect(results[0]).toMatchObject({ state: 'unknown', value: null });
    expect(isKept(results)).toBe(false);
  });
});

describe('the delay', () => {
  test('is that of all seconds together, beyond the interval of the measurement', () => {
    const idle = Array.from({ length: 99 }, (_, i) => delay(1000 * (i + 1)));
    expect(one({ maxDelayP99Ms: 5 }, [...idle, delay(100_000, { max: 500 })])).toMatchObject({
      state: 'kept',
      value: 0,
    });
    const busy = idle.map((row) => ({ ...row, p99Ms: 80, maxMs: 90 }));
    expect(one({ maxDelayP99Ms: 5 }, busy)).toMatchObject({ state: 'exceeded', value: 70 });
  });

  test('of the time in which the program loads does not count', () => {
    const loading = stall({ startMs: 0, durationMs: 2500, startup: true, kind: 'module-load' });
    const slow = { p50: 800, p90: 800, p99: 800, max: 800 };
    const rows = [delay(1000, slow), delay(2000, slow), delay(3000, slow), delay(4000), delay(5000), loading];
    expect(one({ maxDelayP99Ms: 5 }, rows)).toMatchObject({ state: 'kept', value: 0 });
    expect(one({ maxDelayP99Ms: 5 }, [...rows.slice(0, 2), loading])).toMatchObject({ state: 'unknown' });
  });
});

test('utilization and memory', () => {
  const memory = {
    type: 'memory' as const,
    heapTotalBytes: 1,
    heapLimitBytes: 1,
    externalBytes: 1,
    arrayBuffersBytes: 1,
    spaces: {},
  };
  const rows = [
    ...[loop(1000, 1), loop(2000, 0.2), loop(3000, 0.4)],
    { ...memory, t: 1000, heapUsedBytes: 80e6, rssBytes: 200e6 },
    { ...memory, t: 2000, heapUsedBytes: 60e6, rssBytes: 150e6 },
  ];
  const results = judged({ maxUtilization: 0.25, maxHeapMb: 79, maxRssMb: 200 }, rows);
  expect(results.map(({ id, state }) => `${id} ${state}`)).toEqual([
    'maxUtilization exceeded',
    'maxHeapMb exceeded',
    'maxRssMb kept',
  ]);
});

test('the slowest route that was asked for often enough', () => {
  const routes = [
    { kind: 'request', name: 'GET /', count: 500, p99Ms: 12 },
    { kind: 'request', name: 'GET /slow', count: 20, p99Ms: 340 },
    { kind: 'request', name: 'GET /once', count: 19, p99Ms: 9000 },
    { kind: 'job', name: 'nightly', count: 500, p99Ms: 9000 },
  ];
  const budget = { maxRouteP99Ms: 300 };
  const report = buildReport([recordingOf([])]);
  expect(judgeBudget(budget, { ...report, routes: routes as RouteReport[] }, [])[0]).toMatchObject({
    state: 'exceeded',
    value: 340,
    where: 'GET /slow',
  });
  expect(judgeBudget(budget, report, [])[0]).toMatchObject({
    state: 'unknown',
    where: 'no route was seen often enough',
  });
});

test('findings and growth', () => {
  const findings = [
    { rule: 'growing-heap', severity: 'warning' as const, location: null },
    { rule: 'leaked-handles', severity: 'info' as const, location: null },
    { rule: 'gc-pause', severity: 'critical' as const, location: null },
  ];
  const results = judged({ maxWarnings: 1, maxCriticals: 0, allowGrowth: false }, [], findings);
  expect(results.map(({ id, state, value }) => `${id} ${state} ${value}`)).toEqual([
    'maxCriticals exceeded 1',
    'maxWarnings kept 1',
    'allowGrowth exceeded 1',
  ]);
  expect(judged({ allowGrowth: true }, [], findings)).toEqual([]);
  expect(budgetText(results, 'evdiag.config.json', painter(false))).toBe(
    [
      'budget (evdiag.config.json)',
      '  EXCEEDED  criticals  1  none allowed  gc-pause',
      '  kept      warnings   1  at most 1',
      '  EXCEEDED  growth     1  none allowed  growing-heap',
      '',
    ].join('\n'),
  );
});

test('of several processes the worst one counts, and is named', () => {
  const quick = recordingOf([delay(1000), stall({ durationMs: 150, cpuMs: 150, runQueueMs: 0 })], {
    pid: 1,
    threadId: 0,
  });
  const slow = recordingOf([delay(1000), stall({ durationMs: 900, cpuMs: 900, runQueueMs: 0 })], {
    pid: 2,
    threadId: 0,
  });
  const worker = recordingOf([stall({ durationMs: 5000 })], { pid: 1, threadId: 3 });
  const [result] = judgeBudget({ maxStallMs: 200 }, buildReport([quick]), [quick, slow, worker]);
  expect(result).toMatchObject({ value: 900, where: expect.stringContaining('process 2') });
});
