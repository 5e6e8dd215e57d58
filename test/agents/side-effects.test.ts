import { expect, it } from 'vitest';
import { rowsOf } from '../../src/recording/types.ts';
import { inLab, SPIN } from '../support/run-agent.ts';

it(
  'microtasks and ticks queued before a block do not run while stacks are taken in it',
  inLab(async (lab) => {
    const text = `
${SPIN}
let early = 0;
let seen = 0;
setTimeout(() => {
  queueMicrotask(() => early++);
  Promise.resolve().then(() => early++);
  (async () => { await null; early++; })();
  process.nextTick(() => early++);
  for (let i = 0; i < 500; i++) { spin(2); seen = Math.max(seen, early); }
  console.log('in the block:', seen);
  setTimeout(() => console.log('after it:', early), 50);
}, 300);
`;
    const run = await lab.expectSame(lab.file('app.js', text));
    expect(run.stdout).toBe('in the block: 0\nafter it: 4\n');
    expectStacksWereTaken(lab);
  }),
);

it(
  'Error.prepareStackTrace and stackTraceLimit are the program’s own, during and after a block',
  inLab(async (lab) => {
    const text = `
const { readFileSync } = require('node:fs');
const mine = (error, sites) => 'mine ' + sites.length;
let calls = 0;
Error.prepareStackTrace = (error, sites) => { calls++; return mine(error, sites); };
const kept = Error.prepareStackTrace;
Error.stackTraceLimit = 3;
const wrong = new Set();
setTimeout(function work() {
  const end = performance.now() + 800;
  let rounds = 0;
  while (performance.now() < end) {
    rounds++;
    if (Error.prepareStackTrace !== kept) wrong.add('prepareStackTrace');
    if (Error.stackTraceLimit !== 3) wrong.add('stackTraceLimit');
    if (new Error('x').stack !== 'mine 3') wrong.add('stack');
    if (rounds % 100 === 0) readFileSync(__filename);
  }
  console.log([...wrong].join(), calls === rounds, Object.keys(Error).join());
  for (const name of ['prepareStackTrace', 'stackTraceLimit']) {
    console.log(name, JSON.stringify(Object.getOwnPropertyDescriptor(Error, name)));
  }
}, 300);
`;
    const run = await lab.expectSame(lab.file('app.js', text));
    expect(run.stdout).toMatch(/^ true stackTraceLimit,prepareStackTrace\n/);
    expectStacksWereTaken(lab);
  }),
);

it(
  'where the program sets neither, both are as Node leaves them',
  inLab(async (lab) => {
    const text = `
${SPIN}
const look = () => console.log(JSON.stringify(Object.getOwnPropertyDescriptors(Error)), new Error('x').stack.split('\\n').length);
look();
setTimeout(() => { look(); spin(500); look(); setTimeout(look, 50); }, 300);
`;
    await lab.expectSame(lab.file('app.js', text));
    expectStacksWereTaken(lab);
  }),
);

it(
  'a program that freezes Error runs as without',
  inLab(async (lab) => {
    const text = `
const { readFileSync } = require('node:fs');
Object.freeze(Error);
${SPIN}
setTimeout(() => { spin(500); readFileSync(__filename); console.log('done', Object.isFrozen(Error)); }, 300);
`;
    expect((await lab.expectSame(lab.file('app.js', text))).stdout).toBe('done true\n');
  }),
);

it(
  'a program that replaces JSON, Atomics, performance and Error runs as without',
  inLab(async (lab) => {
    const text = `
const { readFileSync } = require('node:fs');
${SPIN}
setTimeout(() => {
  spin(300);
  const log = console.log;
  globalThis.JSON = { parse: () => 'none', stringify: () => 'none' };
  globalThis.Error = class Own { };
  spin(300);
  log(JSON.stringify({}), readFileSync(__filename).length > 9);
  delete globalThis.performance;
  setTimeout(() => { const end = Date.now() + 300; while (Date.now() < end); log('done'); }, 50);
}, 300);
`;
    expect((await lab.expectSame(lab.file('app.js', text))).stdout).toBe('none true\ndone\n');
  }),
);

it(
  'what the program can count is as without: resources, requests, and listeners that it would be warned of',
  inLab(async (lab) => {
    const text = `
setTimeout(() => {
  console.log(process.getActiveResourcesInfo().join(), process._getActiveHandles().length);
  console.log(process.listenerCount('SIGINT'), process.listenerCount('SIGTERM'), process.listenerCount('uncaughtException'));
  console.log(process.listenerCount('unhandledRejection'), process.listenerCount('message'), process.listenerCount('beforeExit'));
  for (let i = 0; i < 9; i++) process.on('exit', () => {});
  console.log(process.argv.length, process.argv0 !== '', require.main === module, process.title !== '');
  console.log(Object.keys(globalThis).sort().join());
}, 700);
`;
    await lab.expectSame(lab.file('app.js', text));
  }),
);

it(
  'output on stdout is whole and in order, to a pipe that fills up',
  inLab(async (lab) => {
    const text = `
${SPIN}
setTimeout(() => {
  for (let i = 0; i < 2000; i++) { process.stdout.write('line ' + i + ' ' + 'x'.repeat(100) + '\\n'); if (i % 400 === 0) spin(150); }
}, 200);
`;
    const run = await lab.expectSame(lab.file('app.js', text));
    expect(run.stdout.split('\n')).toHaveLength(2001);
  }),
);

function expectStacksWereTaken(lab: Parameters<Parameters<typeof inLab>[0]>[0]): void {
  const stacks = rowsOf(lab.recording(), 'agent-cost').reduce((sum, row) => sum + row.stacks, 0);
  expect(stacks, 'stacks taken').toBeGreaterThan(3);
}
