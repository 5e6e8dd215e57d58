/** Rows `gc`: collections, and nothing else that Node notes with observers. */
import { expect, it } from 'vitest';
import { rowsOf } from '../../src/recording/types.ts';
import { inLab } from '../support/run-agent.ts';

const MEASURED_MS = 1e7;

it(
  'what the program measures with node:perf_hooks is no collection',
  inLab(async (lab) => {
    const text = `
const timer = setInterval(() => performance.measure('a day', { start: 0, end: ${MEASURED_MS} }), 50);
setTimeout(() => clearInterval(timer), 2500);
`;
    const run = await lab.run(lab.file('app.js', text));
    expect(run.exitCode).toBe(0);
    const rows = rowsOf(lab.recording(), 'gc');
    expect(rows.length).toBeGreaterThan(0);
    for (const { maxMs } of rows) expect(maxMs).toBeLessThan(MEASURED_MS);
  }),
);
