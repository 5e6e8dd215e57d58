import { expect, it } from 'vitest';
import { rowsOf } from '../../src/recording/types.ts';
import { AGENT_CJS, inLab, SPIN } from '../support/run-agent.ts';

const PROGRAM = `
${SPIN}
setTimeout(() => { spin(700); console.log('done'); process.exitCode = 3; }, 300);
`;

it(
  'steps aside for a debugger: no stacks, no alarm, and the program ends',
  inLab(async (lab) => {
    const inspect = '--inspect=127.0.0.1:0';
    const app = lab.file('app.js', PROGRAM);
    const [plain, run] = [
      await lab.run(app, { node: [inspect] }),
      await lab.run(app, { node: [inspect, '-r', AGENT_CJS] }),
    ];
    expect([run.stdout, run.exitCode]).toEqual([plain.stdout, plain.exitCode]);
    expect(run).toMatchObject({ stdout: 'done\n', exitCode: 3 });
    const recording = lab.recording();
    expect(rowsOf(recording, 'agent-cost').reduce((sum, { stacks }) => sum + stacks, 0)).toBe(0);
    for (const stall of rowsOf(recording, 'stall')) if (!stall.startup) expect(stall.debugger).toBe(true);
    expect(run.stderr).not.toContain('blocked');
  }),
);

it(
  'inspector.open() and close() of the program work as without',
  inLab(async (lab) => {
    const text = `
const inspector = require('node:inspector');
${SPIN}
setTimeout(() => {
  spin(300);
  inspector.open(0, '127.0.0.1');
  console.log(typeof inspector.url());
  setTimeout(() => {
    spin(300);
    inspector.close();
    console.log(inspector.url());
  }, 1200);
}, 300);
`;
    const app = lab.file('app.js', text);
    const [plain, run] = [await lab.run(app, { node: [] }), await lab.run(app)];
    expect([run.stdout, run.exitCode]).toEqual([plain.stdout, plain.exitCode]);
    expect(run).toMatchObject({ stdout: 'string\nundefined\n', exitCode: 0 });
  }),
);

it(
  'the program’s own inspector session works while stacks are taken',
  inLab(async (lab) => {
    const text = `
const inspector = require('node:inspector');
${SPIN}
const session = new inspector.Session();
session.connect();
session.post('Profiler.enable');
session.post('Profiler.start');
setTimeout(() => {
  spin(700);
  session.post('Profiler.stop', (error, { profile }) => {
    const names = profile.nodes.map(({ callFrame }) => callFrame.functionName);
    console.log(error, names.includes('spin'));
    session.disconnect();
  });
}, 300);
`;
    const run = await lab.expectSame(lab.file('app.js', text));
    expect(run.stdout).toBe('null true\n');
  }),
);
