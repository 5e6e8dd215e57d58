/** What is unfinished when a program is told to end is looked at once more, and what it does from then on is not judged. */
import { describe, expect, it } from 'vitest';
import { periodsOf } from '../../src/detectors/unfinished.ts';
import { type Recording, rowsOf } from '../../src/recording/types.ts';
import { inLab, type Lab, lineOf, type Run } from '../support/run-agent.ts';

const DIAGNOSE = { EVDIAG_LEVEL: 'diagnose' };

/** A call begins to wait between two readings, and the program is told to end. */
const PROGRAM = (how: string): string => `
async function wait() {
  await new Promise(() => {}); // waits
}
require('node:http').createServer().listen(0);
${how}
const begin = () => {
  wait();
  setTimeout(() => process.kill(process.pid, 'SIGTERM'), 50);
};
// Just after a reading: the next is a second away.
setTimeout(() => setInterval(begin, 1e6) && begin(), 1300);
`;

const waits = (recording: Recording, text: string): number[] => {
  const line = lineOf(text, '// waits');
  return rowsOf(recording, 'unfinished')
    .filter(({ entries }) => entries.some(({ what, location }) => what === 'await' && location?.line === line))
    .map(({ t }) => t);
};

async function end(lab: Lab, text: string): Promise<{ run: Run; recording: Recording }> {
  const run = await lab.expectSame(lab.file('app.js', text), { env: DIAGNOSE });
  return { run, recording: lab.recording() };
}

describe('what waits when SIGTERM comes is in the recording', () => {
  it.each([
    ['that the signal ends', '', { signal: 'SIGTERM' }],
    ['that exits when it hears it', `process.on('SIGTERM', () => process.exit(3));`, { exitCode: 3 }],
  ])('of a program %s', (_, how, ended) =>
    inLab(async (lab) => {
      const text = PROGRAM(how);
      const { run, recording } = await end(lab, text);
      expect(run).toMatchObject(ended);
      expect(waits(recording, text).length).toBeGreaterThan(0);
    })(),
  );

  it.each([
    ['exits later', `process.on('SIGTERM', () => setTimeout(() => process.exit(3), 500));`],
    ['raises it again', `process.once('SIGTERM', () => process.kill(process.pid, 'SIGTERM'));`],
  ])('of a program that handles it and %s, and it is judged by that', (_, how) =>
    inLab(async (lab) => {
      const text = PROGRAM(how);
      const { recording } = await end(lab, text);
      const [signal] = rowsOf(recording, 'signal');
      expect(signal).toMatchObject({ signal: 'SIGTERM' });
      expect(waits(recording, text).length).toBeGreaterThan(0);
      const judged = periodsOf(recording).flat();
      expect(judged.every(({ t }) => t < signal!.t + 501)).toBe(true);
    })(),
  );
});

it(
  'a second signal does not wait for the look',
  inLab(async (lab) => {
    const text = `
const { writeSync } = require('node:fs');
setInterval(() => {}, 1e6);
setTimeout(() => {
  writeSync(1, 'busy\\n');
  for (let i = 0; i < 3; i++) process.kill(process.pid, 'SIGTERM');
  for (const end = Date.now() + 60; Date.now() < end; );
}, 500);
`;
    const run = await lab.expectSame(lab.file('app.js', text), { env: DIAGNOSE });
    expect(run.signal).toBe('SIGTERM');
  }),
);
