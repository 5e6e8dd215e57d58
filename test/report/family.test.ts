import { describe, expect, test } from 'vitest';
import type { Finding } from '../../src/detectors/types.ts';
import type { Header, Recording, RowOf } from '../../src/recording/types.ts';
import { htmlReport } from '../../src/report/html.ts';
import { markdownReport } from '../../src/report/markdown.ts';
import { mergeFindings } from '../../src/report/merge-findings.ts';
import { mergeRules } from '../../src/report/merge-rules.ts';
import { buildReport } from '../../src/report/report.ts';
import { textReport } from '../../src/report/text.ts';
import type { Report } from '../../src/report/types.ts';
import { painter } from '../../src/util/terminal.ts';
import { cpu, delayRow, header, location, recordingOf, stall, utilization } from '../support/recording.ts';

type StallFields = Partial<RowOf<'stall'>>;

/** A thread that was blocked so often, for that long each time. */
function blocked(head: Partial<Header>, times: number, fields: StallFields = {}): Recording {
  const stalls = Array.from({ length: times }, (_, i) => stall({ id: i, startMs: 2000 + i * 1000, ...fields }));
  return recordingOf([delayRow(400), utilization(0.9), cpu(), ...stalls], head);
}

const worker = (threadId: number): Partial<Header> => ({ threadId, startMonotonicMs: 1000 + threadId * 100 });
const child = (n: number): Partial<Header> => ({ pid: 100 + n, parentPid: 100, startMonotonicMs: 1000 + n });
const places = ({ findings }: Report) => findings.map((finding) => finding.location?.line);

describe('one process with two workers', () => {
  const report = buildReport([
    blocked(worker(3), 2, { durationMs: 600, location: { ...location, column: 9 } }),
    blocked(worker(2), 1, { durationMs: 300, location: { ...location, line: 40 } }),
    blocked({}, 3, { durationMs: 300, gcMs: 10 }),
  ]);

  test('equal findings of its threads are one, with what they cost together', () => {
    expect(report.findings.length).toBe(2);
    expect(report.findings[0]).toMatchObject({
      severity: 'critical',
      count: 5,
      location: { line: 12 },
      times: { maxMs: 600, totalMs: 2100 },
      evidence: { maxMs: 600, totalMs: 2100, cpuMs: 2100, gcMs: 30, runQueueMs: 0 },
      threadCount: 2,
    });
    expect(report.findings[0]?.message).toMatch(/^The event loop was blocked .* \(in the worst of 2 threads\)\.$/);
  });

  test('the threads are named, the worst first, also where it is only one', () => {
    expect(report.findings.map(({ threads }) => threads)).toEqual([
      ['worker 3 of pid 100', 'main thread of pid 100'],
      ['worker 2 of pid 100'],
    ]);
    expect(report.findings[1]?.message).not.toContain('worst');
  });

  test('times are on the clock of the root', () => {
    expect(report.findings[0]?.span).toEqual({ firstMs: 2000, lastMs: 4000 });
    expect(report.findings[1]?.span).toEqual({ firstMs: 2200, lastMs: 2200 });
  });

  test('its threads are listed, the main thread first', () => {
    expect(report.processes?.map(({ name, pid, threadId }) => [name, pid, threadId])).toEqual([
      ['main thread of pid 100', 100, 0],
      ['worker 2 of pid 100', 100, 2],
      ['worker 3 of pid 100', 100, 3],
    ]);
    expect(report.recording.threadId).toBe(0);
  });

  test('every form for people names the threads in a line', () => {
    const seen = 'Seen in 2 threads: worker 3 of pid 100, main thread of pid 100';
    const text = textReport(report, [], { paint: painter(false), width: 100 });
    for (const form of [text, markdownReport(report), htmlReport(report, [])]) {
      expect(form).toContain(seen);
      expect(form).toContain('Seen in worker 2 of pid 100');
      expect(form).not.toContain('thread count');
    }
    expect(text).toContain('main thread of pid 100 (1.9 s, 1 finding); worker 2 of pid 100');
  });
});

describe('a cluster', () => {
  const primary = recordingOf([delayRow(1), utilization(0), cpu({ userMs: 0, mainThreadMs: 0 })]);
  const children = [1, 2, 3, 4].map((n) => blocked(child(n), 3));

  test('equal children have one finding, counted over all', () => {
    const { findings, rules } = buildReport([primary, ...children]);
    const [alone] = buildReport([children[0]!]).findings;
    expect(findings).toEqual([
      {
        ...alone,
        message: expect.stringContaining('(in the worst of 4 threads).'),
        count: 12,
        span: { firstMs: 2001, lastMs: 4004 },
        times: { maxMs: 400, totalMs: 4800 },
        threads: [1, 2, 3, 4].map((n) => `main thread of pid ${100 + n}`),
        threadCount: 4,
        evidence: { ...alone?.evidence, totalMs: 4800, cpuMs: 4800 },
      },
    ]);
    expect(rules.find(({ rule }) => rule === 'blocked-event-loop')).toMatchObject({
      outcome: 'found',
      why: expect.stringMatching(/^1 found \(4 of 5 threads: main thread of pid 101, .*; others: 1 clear\)$/),
    });
  });

  test('many children are counted, not all named', () => {
    const many = Array.from({ length: 20 }, (_, i) => blocked(child(i + 1), 1));
    const report = buildReport(many);
    expect(report.findings[0]?.threads).toHaveLength(8);
    expect(report.findings[0]?.threadCount).toBe(20);
    const markdown = markdownReport(report);
    expect(markdown).toContain('Seen in 20 threads: main thread of pid 101');
    expect(markdown).toContain('main thread of pid 104 and 16 more');
    expect(markdown).toContain('; and 12 more');
  });

  test('a family of one has no threads to name', () => {
    const report = buildReport([children[0]!]);
    expect(report.processes).toBeUndefined();
    expect(report.findings[0]).toMatchObject({ threads: [], threadCount: 1 });
    expect(textReport(report, [], { paint: painter(false), width: 100 })).not.toContain('Seen in');
  });
});

describe('findings that differ', () => {
  test.each<[string, StallFields]>([
    ['line', { location: { ...location, line: 13 } }],
    ['file', { location: { ...location, file: '/srv/other.js' } }],
    ['function', { location: { ...location, function: 'other' } }],
    ['kind', { kind: 'sync-crypto' }],
    ['start-up', { startup: true }],
    ['place that could not be seen', { location: null }],
  ])('in their %s are not merged', (_, fields) => {
    const report = buildReport([blocked({}, 1), blocked(child(1), 1, fields)]);
    expect(report.findings.map(({ count }) => count)).toEqual([1, 1]);
  });

  test('by their thread only are merged, without a place too', () => {
    const host = { kind: 'host', location: null } as const;
    const report = buildReport([blocked({}, 2, host), blocked(child(1), 1, host)]);
    expect(places(report)).toEqual([undefined]);
    expect(report.findings[0]).toMatchObject({ count: 3, threadCount: 2 });
  });
});

describe('findings without a place', () => {
  const unseen = { kind: 'js-cpu', location: null, durationMs: 5000 } as const;
  const countsOf = (fields: StallFields, ...headers: Partial<Header>[]) =>
    buildReport(headers.map((each) => blocked(each, 1, { ...unseen, ...fields }))).findings.map(({ count }) => count);

  test('of the main threads of two processes are one', () => {
    expect(countsOf({}, {}, child(1))).toEqual([2]);
  });

  test('of the main thread and of workers are apart, and harmful ones of each worker', () => {
    expect(countsOf({}, {}, worker(1), worker(2))).toEqual([1, 1, 1]);
    expect(countsOf({ waiting: 0 }, {}, worker(1), worker(2)).sort()).toEqual([1, 2]);
  });

  test('are one if the host is the cause', () => {
    expect(countsOf({ kind: 'host' }, {}, worker(1))).toEqual([2]);
  });
});

describe('mergeFindings', () => {
  const [base] = buildReport([blocked({}, 1)]).findings as [Finding];
  const of = (pid: number, ...findings: Partial<Finding>[]) => ({
    header: { ...header, pid },
    findings: findings.map((fields) => ({ ...base, ...fields })),
  });

  test('what one thread tells apart stays apart', () => {
    const merged = mergeFindings([of(1, { count: 2 }, { count: 3 }), of(2, { count: 5 })]);
    expect(merged.map(({ count }) => count)).toEqual([7, 3]);
  });

  test('words, severity and other evidence come from the worst, a stack from any', () => {
    const mild: Partial<Finding> = { severity: 'info', score: 90, evidence: { handles: 9, cpuMs: 5 } };
    const bad: Partial<Finding> = { severity: 'critical', score: 70, stack: [], evidence: { handles: 2, cpuMs: null } };
    const [merged] = mergeFindings([of(1, mild), of(2, { ...bad, remedy: 'Close them.' })]);
    expect(merged).toMatchObject({ severity: 'critical', remedy: 'Close them.', stack: base.stack });
    expect(merged?.evidence).toMatchObject({ handles: 2, cpuMs: 5 });
    expect(merged?.threads).toEqual([expect.stringContaining('2'), expect.anything()]);
  });
});

describe('mergeRules', () => {
  const said = (threadId: number, outcome: 'clear' | 'no-data' | 'error', why: string) => ({
    header: { ...header, threadId },
    rules: [{ rule: 'x', outcome, why }],
  });

  test('what all threads say is said once', () => {
    expect(mergeRules([said(0, 'clear', 'nothing found'), said(2, 'clear', 'nothing found')], [])).toEqual([
      { rule: 'x', outcome: 'clear', why: 'nothing found' },
    ]);
  });

  test('no data in one thread is never read as healthy', () => {
    const threads = [said(0, 'clear', 'nothing found'), said(2, 'no-data', 'no rows of gc'), said(3, 'clear', '')];
    expect(mergeRules(threads, [])).toEqual([
      {
        rule: 'x',
        outcome: 'no-data',
        why: 'no rows of gc (1 of 3 threads: worker 2 of pid 100; others: 2 clear)',
      },
    ]);
  });
});
