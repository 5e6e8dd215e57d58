import { expect, it } from 'vitest';
import { evdiag } from '../support/dump.ts';
import { inLab } from '../support/run-agent.ts';
import { terminate } from '../support/terminations.ts';

const MINUTES = 60_000;

it(
  'a worker thread ends when it is terminated, whatever it does itself',
  inLab(async (lab) => {
    const states = ['waiting', 'tasks', 'computing', 'idle', 'native', 'sleeping', 'starting', 'exiting'];
    const ended = await terminate(lab, { count: 108, atOnce: 8, states, level: 'diagnose' });
    expect(ended).toBe('ended 108');
  }),
  8 * MINUTES,
);

it(
  'so does one whose own threads compute',
  inLab(async (lab) => {
    const ended = await terminate(lab, { count: 40, atOnce: 4, states: ['parent'], level: 'diagnose' });
    expect(ended).toBe('ended 40');
  }),
  8 * MINUTES,
);

it(
  'so does one that calls async hooks all the time, or whose own threads do',
  inLab(async (lab) => {
    const states = ['resources', 'resourcesBelow'];
    expect(await terminate(lab, { count: 12, atOnce: 2, states, level: 'diagnose' })).toBe('ended 12');
  }),
  8 * MINUTES,
);

it(
  'and with the process, whenever it ends',
  inLab(async (lab) => {
    const text = `
const { Worker } = require('node:worker_threads');
const body = "const { MessageChannel, parentPort } = require('node:worker_threads'); parentPort.postMessage('in'); for (;;) new MessageChannel().port1.close();";
new Worker(body, { eval: true }).once('message', () => setTimeout(() => process.exit(3), Number(process.argv[2])));`;
    const app = lab.file('app.js', text);
    for (const ms of [0, 20, 60, 150, 300, 450]) {
      const run = await lab.run(app, { args: [`${ms}`], env: { EVDIAG_LEVEL: 'diagnose', EVDIAG_QUIET: '1' } });
      expect(run).toMatchObject({ exitCode: 3, stderr: '' });
    }
  }),
  4 * MINUTES,
);

it(
  'nor does a stack that takes long keep it from ending',
  inLab(async (lab) => {
    const ended = await terminate(lab, { count: 12, atOnce: 4, states: ['large'], level: 'watch' });
    expect(ended).toBe('ended 12');
  }),
  8 * MINUTES,
);

it(
  'the timeout of a script of node:vm ends it, whatever is asked of the thread meanwhile',
  inLab(async (lab) => {
    const text = `
const vm = require('node:vm');
// V8 counts the lines of a new script for its first stack: that takes some 50 ms.
const endless = '\\n'.repeat(2e7) + 'for (;;);';
const run = {
  new: (timeout) => vm.runInNewContext(endless, {}, { timeout }),
  this: (timeout) => vm.runInThisContext(endless, { timeout }),
  context: (timeout) => vm.runInContext(endless, vm.createContext(), { timeout }),
  script: (timeout) => new vm.Script(endless).runInThisContext({ timeout }),
};
let round = 0;
function again() {
  for (const [name, of] of Object.entries(run)) {
    try { of(100 + 7 * round); } catch (error) { console.log(name, error.code); }
  }
  if (++round < 5) setImmediate(again);
}
again();
console.log(vm.runInThisContext('1 + 1'), vm.runInThisContext('2 + 2', { timeout: 1000 }));`;
    const app = lab.file('app.js', text);
    const run = await lab.expectSame(app, { env: { EVDIAG_LEVEL: 'diagnose', EVDIAG_SLOW_MS: '20' } });
    expect(run.stdout.split('ERR_SCRIPT_EXECUTION_TIMEOUT')).toHaveLength(21);
    expect(run.stdout).toContain('\n2 4\n');
  }),
  2 * MINUTES,
);

it(
  'and it ends a script that calls async hooks all the time',
  inLab(async (lab) => {
    const text = `
const vm = require('node:vm');
let ended = 0;
for (let ms = 10; ms < 30; ms++) {
  try { vm.runInNewContext('for (;;) new MessageChannel();', { MessageChannel }, { timeout: ms }); } catch { ended++; }
}
console.log('ended', ended);
// Channels that were only half made may throw when they are closed, as without the agent.
process.exit();`;
    const run = await lab.run(lab.file('app.js', text), { env: { EVDIAG_LEVEL: 'diagnose' } });
    expect(run).toMatchObject({ stdout: 'ended 20\n', exitCode: 0 });
  }),
  2 * MINUTES,
);

it(
  'a worker thread in Atomics.wait is not interrupted: a dump tells where it waits, by its mark',
  inLab(async (lab) => {
    const text = `
const { Worker } = require('node:worker_threads');
const words = new Int32Array(new SharedArrayBuffer(4));
const body = 'function waitHere(words) { Atomics.store(words, 0, 1); Atomics.wait(words, 0, 1); } setTimeout(waitHere, 300, require("node:worker_threads").workerData)';
new Worker(body, { eval: true, workerData: words });
const timer = setInterval(() => { if (Atomics.load(words, 0) === 1) { clearInterval(timer); console.log('waits'); } }, 20);
setInterval(() => {}, 1e6);`;
    const program = lab.start(lab.file('app.js', text));
    await program.until('stdout', 'waits');
    await program.watched();
    const { stdout, stderr } = await evdiag(['dump', String(program.pid), '--json']);
    const { threads } = JSON.parse(stdout) as { threads: { threadId: number }[] };
    expect(
      threads.find(({ threadId }) => threadId > 0),
      stderr,
    ).toMatchObject({
      state: 'no-answer',
      syncCall: {
        name: 'Atomics.wait',
        stack: expect.arrayContaining([expect.objectContaining({ function: 'waitHere' })]),
      },
      problem: expect.stringMatching(/^The thread waits in Atomics.wait/),
    });
  }),
);
