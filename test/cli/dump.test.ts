import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { evdiag } from '../support/dump.ts';
import { inLab, TEST_NODE } from '../support/run-agent.ts';

/** One sentence or two on stderr, no stack trace. */
function expectSentence(run: { status: number; stdout: string; stderr: string }, status: number, words: string): void {
  expect(run.stderr).toContain(words);
  expect(run.stderr).toMatch(/^evdiag: [A-Z"].*[.]\n$/);
  expect([run.stdout, run.status]).toEqual(['', status]);
}

describe('a process that cannot be reached', () => {
  test.each(['x', '-1', '0', '1.5', '99999999999'])('%s is no process number', async (pid) => {
    expectSentence(await evdiag(['dump', '--', pid]), 2, 'is not a process ID');
  });

  test('it has ended', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    await once(child, 'exit');
    expectSentence(await evdiag(['dump', String(child.pid)]), 3, `There is no process ${child.pid}.`);
  });

  test('it runs without the agent', async () => {
    const child = spawn(TEST_NODE, ['-e', 'setInterval(() => {}, 1e6)']);
    try {
      expectSentence(await evdiag(['dump', String(child.pid)]), 3, 'Start it with "node -r evdiag/agent …"');
    } finally {
      child.kill('SIGKILL');
    }
  });
});

const SICK = `
const never = new Promise(() => {});
const waiting = [];
globalThis.all = { never, waiting };
async function handler() { await query(); }
async function query() { await new Promise((resolve) => waiting.push(resolve)); }
for (let i = 0; i < 30; i++) waiting.push(handler());
const a = ping(); const b = pong();
waiting.push(a, b);
async function ping() { await null; await b; }
async function pong() { await null; await a; }
const odd = { async ['\\x1b[31mred\\u202e']() { await new Promise((resolve) => waiting.push(resolve)); } };
waiting.push(Object.values(odd)[0]());
require('node:net').createServer().listen(0);
setTimeout(function tooLate() {}, 3_600_000).unref();
console.log('ready');
`;

test(
  'the text: stacks, calls as a tree with what they wait for, cycles first, timers and handles',
  inLab(async (lab) => {
    const program = lab.start(lab.file('sick.cjs', SICK));
    await Promise.all([program.until('stdout', 'ready'), program.watched()]);
    const full = await evdiag(['dump', String(program.pid), '--yes']);
    expect([full.status, full.stderr]).toEqual([0, '']);
    const text = full.stdout.replaceAll(`${lab.folder}/`, '');
    expect(text).toContain('main thread  waits for events');
    expect(text).toContain('await cycle: 2 calls wait for each other, forever.');
    expect(text).toMatch(/30 × handler sick\.cjs:5:\d+\n\s+│ {2}await query\(\)\n\s+└─ 30 × query sick\.cjs:6:\d+/);
    expect(text).toContain('await new Promise((resolve) => waiting.push(resolve))');
    expect(text).toContain('waits for a call of a function in');
    expect(text).toMatch(/in 60 min 0 s\s+tooLate/);
    expect(text).toMatch(/Server {2}\[::\]:\d+/);
    expect(text).toMatch(/^ {2}\[31mred sick/m);
    expect(text).not.toMatch(/[\x1b\u202e]/);
    expect(text.indexOf('await cycle')).toBeLessThan(text.indexOf('handler'));

    // Without a terminal to ask on, a pause of more than 200 ms is not taken.
    const quick = await evdiag(['dump', String(program.pid)]);
    expect(quick.status).toBe(0);
    expect(quick.stderr).toMatch(
      /^evdiag: This is a quick dump\. A full one pauses process \d+ for about .*: add --yes\.\n$/,
    );
    expect(quick.stdout).toContain('30 × query');
    expect(quick.stdout).toContain('awaits itself again and again');

    const colored = await evdiag(['dump', String(program.pid), '--quick'], { FORCE_COLOR: '1' });
    expect(colored.stdout).toContain('\x1b[');
  }),
);

test(
  'a large heap: without a terminal it says what to add',
  inLab(async (lab) => {
    const file = lab.file(
      'large.cjs',
      "globalThis.kept = Array.from({ length: 300_000 }, (_, i) => ({ i, text: 'x' + i })); console.log('ready'); setInterval(() => {}, 1e6);",
    );
    const program = lab.start(file);
    await Promise.all([program.until('stdout', 'ready'), program.watched()]);
    expectSentence(await evdiag(['dump', String(program.pid)]), 2, 'Add --yes, or --quick --yes.');
  }),
);

const READING = `
const fs = require('node:fs');
require('node:child_process').execFileSync('mkfifo', ['pipe']);
fs.readFile('pipe', () => {}); // read
console.log(JSON.stringify(process.getActiveResourcesInfo()));
setInterval(() => {}, 1e6);
console.log('ready');
`;

for (const level of ['watch', 'diagnose'])
  test(
    `at level ${level} a dump tells pending file operations, or that this Node does not list them`,
    inLab(async (lab) => {
      const program = lab.start(lab.file('reading.cjs', READING), { env: { EVDIAG_LEVEL: level } });
      await Promise.all([program.until('stdout', 'ready'), program.watched()]);
      const { stdout } = await evdiag(['dump', String(program.pid), '--quick', '--yes']);
      const listed = program.stdout().includes('FSReq');
      expect(/^.*FSReqCallback/m.test(stdout), stdout).toBe(listed);
      expect(stdout.includes('does not list pending file operations'), stdout).toBe(!listed);
      if (level === 'diagnose') expect(stdout).toMatch(/FSREQCALLBACK +.*reading\.cjs:4:/);
    }),
  );

const RECONNECTS = `
const net = require('node:net');
let attempts = 0;
const queue = [];
const server = net.createServer().listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  server.close(() => setTimeout(connect, 1500, port));
});
function connect(port) {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.on('close', () => {
    if (++attempts === 5) console.log('port ' + port);
    setTimeout(connect, 50, port);
  });
}
async function send() { await new Promise((resolve) => queue.push(resolve)); }
for (let i = 0; i < 4; i++) queue.push(send());
`;

test(
  'an address that refuses each connection is named, though nothing is open between two attempts',
  inLab(async (lab) => {
    const program = lab.start(lab.file('reconnects.cjs', RECONNECTS));
    await Promise.all([program.watched(), program.until('stdout', 'port ')]);
    const pattern = /refused again and again: 127\.0\.0\.1:(\d+) {2}\d+ times in .* \(ECONNREFUSED\)\n/;
    let refused: RegExpExecArray | null = null;
    // The agent looks once a second whether the program has loaded Node's net.
    while (refused === null)
      refused = pattern.exec((await evdiag(['dump', String(program.pid), '--quick', '--yes'])).stdout);
    expect(program.stdout()).toContain(`port ${refused[1]}\n`);
    program.kill('SIGKILL');
  }),
);
