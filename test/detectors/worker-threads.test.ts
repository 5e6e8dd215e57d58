import { expect, test } from 'vitest';
import { blockedEventLoop } from '../../src/detectors/rules/blocked-event-loop.ts';
import type { RowOf } from '../../src/recording/types.ts';
import { mergeFindings } from '../../src/report/merge-findings.ts';
import { find, frame, header, location, stall } from '../support/recording.ts';

const worker = (threadId: number, ...rows: RowOf<'stall'>[]) => find(blockedEventLoop, rows, { threadId });

test('a worker that waits for its next job is no finding; one that sleeps while something waits for it is', () => {
  const sleep = { kind: 'sync-sleep', durationMs: 561_000, cpuMs: 3, sleptMs: 560_000 } as const;
  expect(worker(3, stall({ ...sleep, waiting: 0 }), stall({ ...sleep, waiting: null, id: 2 }))).toEqual([]);
  expect(worker(3, stall({ ...sleep, waiting: 2 }))).toMatchObject([{ severity: 'critical', kind: 'sync-sleep' }]);
  expect(worker(0, stall({ ...sleep, waiting: 2 }))).toMatchObject([{ severity: 'critical', kind: 'sync-sleep' }]);
});

test('work in a worker is right where it is', () => {
  const [finding, ...others] = worker(3, stall({ kind: 'sync-crypto', durationMs: 800, waiting: 0 }));
  expect(others).toEqual([]);
  expect(finding).toMatchObject({
    severity: 'info',
    location,
    message: 'A worker thread was busy for 800 ms with synchronous cryptography in handler.',
  });
  expect(finding?.remedy).toMatch(/^Nothing to change: a worker thread is the right place/);
});

test('the starts of many workers are one line for each script', () => {
  const startOf = (threadId: number, file: string) => {
    const at = (name: string, line: number) => frame(name, line, { file });
    const row = (id: number, kind: 'module-load' | 'js-cpu', line: number) =>
      stall({
        id,
        kind,
        startup: true,
        location: { file, line, column: 1, function: '' },
        stacks: [{ weightMs: 200, kind, frames: [at('helper', line), at('', 3)], location: null }],
      });
    const findings = worker(threadId, row(1, 'module-load', 10 + threadId), row(2, 'js-cpu', 40 + threadId));
    return { header: { ...header, threadId }, findings };
  };
  const threads = [1, 2, 3]
    .map((id) => startOf(id, '/srv/job.js'))
    .concat([4, 5].map((id) => startOf(id, '/srv/other.js')));
  const merged = mergeFindings(threads);
  expect(merged.map((finding) => [finding.location?.file, finding.severity, finding.count])).toEqual([
    ['/srv/job.js', 'info', 6],
    ['/srv/other.js', 'info', 4],
  ]);
  expect(merged[0]?.message).toBe(
    'The start of a worker thread blocked its event loop 2 times, up to 400 ms, 800 ms in total (in the worst of 3 threads).',
  );
});

test.each([
  [
    'from its first line to its end',
    0,
    3400,
    'A worker thread was busy for 3400 ms with JavaScript computation in handler, from its first line to its end: it never returned to its event loop.',
  ],
  [
    'to its end, after its start was delayed',
    1500,
    4950,
    'A worker thread was busy for 3400 ms with JavaScript computation in handler, from its first line to its end: it never returned to its event loop.',
  ],
  ['and then serves', 0, 9000, 'The start of a worker thread blocked its event loop for 3400 ms.'],
] as const)('a worker that computes %s', (_what, startMs, endMs, message) => {
  const row = stall({ kind: 'js-cpu', startup: true, startMs, t: startMs + 3400, durationMs: 3400, waiting: 0 });
  const [finding] = find(
    blockedEventLoop,
    [row, { type: 'end', t: endMs, reason: 'exit', exitCode: null, signal: null }],
    { threadId: 3 },
  );
  expect(finding).toMatchObject({ severity: 'info', message });
  expect(finding!.remedy).toMatch(message.startsWith('The start') ? /^Load less at start/ : /^Nothing to change/);
});

test('a worker thread without a core is not called the main thread', () => {
  const held = stall({ kind: 'host', cpuMs: 9, runQueueMs: 390, location: null, stacks: [] });
  expect(worker(3, held)[0]?.message).toMatch(/^A busy host, not your code, delayed the worker thread for 400 ms/);
  expect(worker(0, held)[0]?.message).toMatch(/^A busy host, not your code, delayed the main thread for 400 ms/);
});
