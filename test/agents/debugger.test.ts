import { expect, it } from 'vitest';
import { rowsOf } from '../../src/recording/types.ts';
import { AGENT_CJS, inLab, recordingOf, SPIN } from '../support/run-agent.ts';

const PROGRAM = `
${SPIN}
setTimeout(() => { spin(700); console.log('done'); process.exitCode = 3; }, 300);
`;

it(
  'beside a debugger: what ran is told at its line, and the program ends',
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
    for (const stall of rowsOf(recording, 'stall')) if (!stall.startup) expect(stall.debugger).toBe(true);
    const [finding] = (await lab.report()).findings.filter(({ rule }) => rule === 'blocked-event-loop');
    expect(finding).toMatchObject({ kind: 'js-cpu', location: { file: app, function: 'spin' } });
  }),
);

const PAUSED = `
const { Worker } = require('node:worker_threads');
const inspector = require('node:inspector');
inspector.open(0, '127.0.0.1');
new Worker(\`
  const { Session } = require('node:inspector');
  const session = new Session();
  session.connectToMainThread();
  session.on('Debugger.paused', () => setTimeout(() => session.post('Debugger.resume', () => session.disconnect()), 700));
  session.post('Debugger.enable');
  setInterval(() => {}, 50);
  require('node:worker_threads').parentPort.postMessage('ready');
\`, { eval: true }).on('message', () => setTimeout(() => { debugger; setTimeout(() => process.exit(), 1300); }, 1200));
setInterval(() => {}, 50);
`;

it.runIf(process.platform === 'linux')(
  'a pause of a debugger is no stall',
  inLab(async (lab) => {
    await lab.run(lab.file('app.js', PAUSED));
    const stalls = rowsOf(recordingOf(lab, 0), 'stall').filter(({ startup, cpuMs }) => !startup && cpuMs! < 100);
    expect(stalls.filter((stall) => stall.debugger && stall.durationMs > 600)).not.toEqual([]);
    const { findings } = await lab.report();
    expect(findings.filter(({ rule, severity }) => rule === 'blocked-event-loop' && severity !== 'info')).toEqual([]);
  }),
);

const HELD = PAUSED.replace("inspector.open(0, '127.0.0.1');", '').replace('), 700)', '), 2000)');

it.runIf(process.platform === 'linux')(
  'a pause by a session of the program itself, which no URL shows, is neither the code’s nor the machine’s',
  inLab(async (lab) => {
    await lab.run(lab.file('app.js', HELD));
    const { findings } = await lab.report();
    expect(findings.filter(({ severity }) => severity !== 'info')).toEqual([]);
    const held = rowsOf(recordingOf(lab, 0), 'stall').filter(({ lockedMs = 0 }) => lockedMs > 1000);
    expect(held).toMatchObject([{ kind: 'host', location: null }]);
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
