import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { location, recordingOf, stall, utilization } from '../support/recording.ts';
import { runAll } from './run.ts';
import type { CalibrationProgram } from './types.ts';

let state = '';
let runs: string[] = [];
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'evdiag-calibration-'));
  runs = [];
});
afterEach(() => rmSync(state, { recursive: true, force: true }));

const run = (programs: CalibrationProgram[], endMs = Number.POSITIVE_INFINITY) =>
  runAll(programs, { state, endMs, jobs: 1, say() {} });

/** A program that leaves a recording with one long stall. */
function blocked(id: string, fields: Partial<CalibrationProgram> = {}): CalibrationProgram {
  return {
    id,
    truth: {
      expected: [{ rule: 'blocked-event-loop', kind: 'sync-fs' }],
      spots: [{ file: '/app.js', from: location.line, to: location.line }],
    },
    async run(out) {
      runs.push(id);
      const { header, rows } = recordingOf([utilization(0.5), stall({ durationMs: 800 })]);
      mkdirSync(out);
      writeFileSync(join(out, 'recording.ndjson'), [header, ...rows].map((row) => `${JSON.stringify(row)}\n`).join(''));
      return null;
    },
    ...fields,
  };
}

test('what was recorded is judged by the truth, and by what is expected of it', async () => {
  const healthy = { expected: [], spots: [] };
  const { findings, outcomes } = await run([blocked('cases/sick'), blocked('healthy/well', { truth: healthy })]);
  expect(findings).toMatchObject([
    { program: 'cases/sick', kind: 'sync-fs', verdict: 'right' },
    { program: 'healthy/well', kind: 'sync-fs', verdict: 'wrong' },
  ]);
  expect(outcomes).toMatchObject([{ missed: false }, { missed: false }]);
});

test('what was recorded before is judged again, not run again', async () => {
  const first = await run([blocked('cases/sick')]);
  const second = await run([blocked('cases/sick')]);
  expect(runs).toEqual(['cases/sick']);
  expect(second).toEqual(first);
});

test('what failed is not counted, and is tried the next time; what lacks something here is not', async () => {
  const failing = blocked('cases/one', { run: () => Promise.reject(new Error('it ended with 1')) });
  const lacking = blocked('cases/two', { run: () => Promise.resolve('needs node:sqlite') });
  const { outcomes, findings } = await run([failing, lacking]);
  expect(outcomes.map(({ skipped, missed }) => [skipped, missed])).toEqual([
    ['failed: it ended with 1', false],
    ['needs node:sqlite', false],
  ]);
  expect(findings).toEqual([]);
  await run([blocked('cases/one'), blocked('cases/two')]);
  expect(runs).toEqual(['cases/one']);
});

test('no program is begun after the end; what was recorded is judged all the same', async () => {
  await run([blocked('cases/one')]);
  const late = await run([blocked('cases/one'), blocked('cases/two')], 0);
  expect(late.left).toEqual(['cases/two']);
  expect(late.findings).toHaveLength(1);
});
