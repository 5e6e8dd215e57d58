import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
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
    expect(run.stdout).toMatch(/^ true /);
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
  'a program under fake timers, whose clocks stand still, runs and ends as without',
  inLab(async (lab) => {
    const text = `
const { readFileSync } = require('node:fs');
${SPIN}
setTimeout(() => {
  spin(300);
  const still = Date.now();
  Object.defineProperty(performance, 'now', { value: () => 5 });
  Date.now = () => still;
  process.hrtime = Object.assign(() => [0, 0], { bigint: () => 0n });
  globalThis.setTimeout = globalThis.setInterval = globalThis.setImmediate = globalThis.clearTimeout = () => {};
  process.nextTick = () => {};
  for (const name of ['Atomics', 'Reflect', 'Int32Array', 'Symbol', 'process']) {
    if (name !== 'process') delete globalThis[name];
  }
  for (let i = 0; i < 300; i++) readFileSync(__filename);
  console.log('done');
}, 300);
`;
    expect((await lab.expectSame(lab.file('app.js', text))).stdout).toBe('done\n');
  }),
);

it(
  'stdout stays blocking: fs.writeSync of more than a pipe holds is whole',
  inLab(async (lab) => {
    const text = `
const { writeSync } = require('node:fs');
setTimeout(() => {
  let left = 4e6;
  while (left > 0) left -= writeSync(1, 'x'.repeat(left));
  process.exitCode = 3;
}, 300);
`;
    const run = await lab.run(lab.file('app.js', text));
    expect([run.stdout.length, run.exitCode, run.ownStderr]).toEqual([4e6, 3, '']);
  }),
);

it.skipIf(process.platform === 'win32')(
  'a program whose stderr is full and read by nobody blocks, and ends, as without',
  inLab(async (lab) => {
    const text = `
const fs = require('node:fs');
const file = fs.openSync(process.argv[2], fs.constants.O_WRONLY | fs.constants.O_NONBLOCK);
${SPIN}
setTimeout(() => {
  for (const size of [4096, 1]) {
    try {
      for (;;) fs.writeSync(file, 'x'.repeat(size));
    } catch ({ code }) {
      if (code !== 'EAGAIN') process.exitCode = 9;
    }
  }
  spin(800);
  // Not through console, which makes the pipes of its process non-blocking.
  fs.writeSync(1, 'done');
}, 300);
`;
    const app = lab.file('app.js', text);
    const pipe = join(lab.folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    // For reading as well: so it has a reader, who never reads.
    const stderr = openSync(pipe, 'r+');
    try {
      const run = await lab.run(app, { args: [pipe], stderr });
      expect(run).toMatchObject({ stdout: 'done', exitCode: 0, signal: null });
    } finally {
      closeSync(stderr);
    }
    expectStacksWereTaken(lab);
  }),
);

it(
  'the program’s own lines in a stderr that is a file stay whole',
  inLab(async (lab) => {
    const text = `
const fs = require('node:fs');
${SPIN}
setTimeout(() => {
  for (let i = 0; i < 20; i++) { fs.writeSync(2, 'own line ' + i + '\\n'); spin(i === 5 ? 800 : 20); }
}, 300);
`;
    const log = join(lab.folder, 'log');
    const stderr = openSync(log, 'w');
    await lab.run(lab.file('app.js', text), { stderr });
    closeSync(stderr);
    const lines = readFileSync(log, 'utf8').split('\n');
    expect(lines.filter((line) => !line.startsWith('evdiag: '))).toEqual([
      ...Array.from({ length: 20 }, (_, i) => `own line ${i}`),
      '',
    ]);
    expect(lines.findIndex((line) => line.includes('blocked for'))).toBe(6);
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
  for (let i = 0; i < 10; i++) process.on('exit', () => {});
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

it(
  'a stack that overflows where timers are made, at whichever depth, leaves nothing that keeps the process alive',
  inLab(async (lab) => {
    const text = `
const makers = [(fn) => setTimeout(fn, 1), (fn) => { clearInterval(setInterval(fn, 1)); }];
let overflows = 0;
for (const make of makers) {
  for (let width = 0; width < 16; width++) {
    const names = Array.from({ length: width }, (_, i) => 'a' + i).join();
    const f = new Function('make', 'return function f(' + names + ') { make(() => {}); return f(' + names + ') + 1; }')(make);
    try { f(); } catch { overflows++; }
  }
}
setTimeout(() => setImmediate(() => {
  const left = process.getActiveResourcesInfo().filter((name) => name === 'Timeout');
  console.log(overflows, 'left:', left.length);
}), 300);
`;
    // Without the agent Node 20 may leave some itself.
    const run = await lab.run(lab.file('app.js', text), { env: { EVDIAG_LEVEL: 'diagnose' } });
    expect([run.stdout, run.exitCode]).toEqual(['32 left: 0\n', 0]);
  }),
);
