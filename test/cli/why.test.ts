import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Alive, WhyThread } from '../../src/why/alive.ts';
import { evdiag } from '../support/dump.ts';
import { inLab, type Lab, type Program, TEST_NODE } from '../support/run-agent.ts';

/** Opens its connection in a later turn, after an await and a timer. */
const PACKAGE = `
const net = require('node:net');
exports.connect = async function connect(port) {
  await null;
  await new Promise((resolve) => setTimeout(resolve, 10));
  net.connect(port, 'localhost').on('data', function onData() {});
};
exports.poll = () => setInterval(function tick() {}, 7777);
`;

/** `// name` marks the line that must be reported. */
const SHAPES = `
const net = require('node:net');
const { createServer, get } = require('node:http');
const { spawn } = require('node:child_process');
const { Worker, MessageChannel } = require('node:worker_threads');
const db = require('later-db');
const server = createServer(function handle() {});
server.listen(0, '127.0.0.1', () => { // server
  const { port } = server.address();
  db.connect(port); // later
  get({ host: '127.0.0.1', port, path: '/slow?token=secret' }); // get
  fetch('http://127.0.0.1:' + port + '/fetched').catch(() => {}); // fetch
  console.log('ready ' + port);
});
db.poll(); // poll
setInterval(function beat() {}, 5555); // interval
setTimeout(function late() {}, 3_600_000); // timeout
require('node:timers/promises').setTimeout(3_500_000); // promised
new Worker('setInterval(() => {}, 1e6)', { eval: true }); // worker
spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'pipe', env: {} }); // child
new MessageChannel().port1.on('message', function onMessage() {}); // port
require('node:dgram').createSocket('udp4').bind(0); // udp
require('node:fs').watch(__dirname); // watch
// None of these keeps it alive.
setInterval(() => {}, 4444).unref();
net.createServer().listen(0).unref();
net.createServer().listen(0, function () { this.close(); });
process.stdout.write('');
`;

const LINES: [name: string, what: RegExp, lineIs: Alive['lineIs'], packageName: string | null][] = [
  ['server', /^server on 127\.0\.0\.1:\d+$/, 'led', null],
  ['later', /^socket to 127\.0\.0\.1:\d+ \(localhost\)$|^socket to \[::1\]:\d+/, 'led', 'later-db'],
  ['get', /^request GET http:\/\/127\.0\.0\.1:\d+\/slow$/, 'made', null],
  ['fetch', /^socket to 127\.0\.0\.1:\d+$/, 'made', null],
  ['poll', /^interval of 7777 ms$/, 'made', 'later-db'],
  ['interval', /^interval of 5555 ms$/, 'made', null],
  ['timeout', /^timer of 3600 s$/, 'made', null],
  ['promised', /^timer of 3500 s$/, 'made', null],
  ['worker', /^worker thread \d+$/, 'made', null],
  ['child', /^child process .* \(pid \d+\)$/, 'made', null],
  ['port', /^message port$/, 'made', null],
  ['udp', /^UDP socket on 0\.0\.0\.0:\d+$/, 'made', null],
  ['watch', /^file watcher$/, 'made', null],
];

const lineOf = (name: string): number => SHAPES.split('\n').findIndex((line) => line.endsWith(`// ${name}`)) + 1;

async function whyOf(pid: number, ...args: string[]): Promise<WhyThread[]> {
  const { status, stdout, stderr } = await evdiag(['why', String(pid), '--json', ...args]);
  expect(status, stderr).toBe(0);
  const answer = JSON.parse(stdout) as { schema: string; threads: WhyThread[] };
  expect(answer.schema).toBe('evdiag-why/1');
  return answer.threads;
}

/** Asks until the answer has what is looked for: a thread without a core may not answer in time. */
async function whyUntil(pid: number, isThere: (threads: WhyThread[]) => boolean): Promise<WhyThread[]> {
  for (;;) {
    const threads = await whyOf(pid);
    if (isThere(threads)) return threads;
  }
}

async function textUntil(pid: number, words: string, ...args: string[]): Promise<string> {
  for (;;) {
    const { status, stdout, stderr } = await evdiag(['why', String(pid), ...args]);
    expect(status, stderr).toBe(0);
    if (stdout.includes(words)) return stdout;
  }
}

function shapes(lab: Lab): string {
  lab.file('node_modules/later-db/index.js', PACKAGE);
  return lab.file('shapes.cjs', SHAPES);
}

async function startShapes(lab: Lab): Promise<Program> {
  const program = lab.start(shapes(lab), { env: { EVDIAG_WHY: '1h', EVDIAG_QUIET: '1' } });
  await Promise.all([program.until('stdout', 'ready'), program.watched()]);
  return program;
}

describe('evdiag why', () => {
  test(
    'with EVDIAG_WHY, each thing has the line of the program, its package and its address; nothing else is listed',
    inLab(async (lab) => {
      const program = await startShapes(lab);
      const [main, worker] = await whyUntil(program.pid, ([first, second]) => {
        const alive = first!.alive;
        const connections = alive.filter(({ kind }) => kind === 'connection');
        return (
          connections.reduce((sum, { count }) => sum + count, 0) === 3 &&
          alive.some((one) => one.package === 'later-db' && one.kind === 'socket') &&
          !alive.some(({ what }) => /connects|in progress/.test(what)) &&
          second?.alive.length === 1
        );
      });
      const left = main!.alive.filter(({ kind }) => kind !== 'connection');
      for (const [name, what, lineIs, packageName] of LINES) {
        const found = left.find((one) => one.line?.line === lineOf(name));
        expect(found, `${name}: ${JSON.stringify(left, null, 1)}`).toMatchObject({
          lineIs,
          package: packageName,
          count: 1,
        });
        expect(found!.what).toMatch(what);
      }
      expect(left.map(({ what }) => what)).toHaveLength(LINES.length);
      // Connections from outside have the line of their server.
      for (const one of main!.alive) if (one.kind === 'connection') expect(one.line?.line).toBe(lineOf('server'));
      const later = left.find(({ kind, package: name }) => kind === 'socket' && name === 'later-db')!;
      expect(later.through.map(({ file }) => file)).toContain(join(lab.folder, 'node_modules/later-db/index.js'));
      expect(worker!.alive.map(({ what }) => what)).toEqual(['interval of 1000 s']);
      expect(JSON.stringify(main)).not.toContain('secret');
    }),
  );

  test(
    'as text: the thing, its line and source, the package, and what to do',
    inLab(async (lab) => {
      const program = await startShapes(lab);
      const text = (await textUntil(program.pid, 'interval of 7777')).replaceAll(`${lab.folder}/`, '');
      expect(text).toMatch(/main thread {2}\d+ things keep it alive/);
      expect(text).toMatch(
        / {2}interval of 5555 ms {2}for .*\n {4}made at shapes\.cjs:16:1\n {6}setInterval\(function beat/,
      );
      expect(text).toMatch(/ {2}interval of 7777 ms · later-db {2}for .*\n {4}made at shapes\.cjs:15:4\n/);
      expect(text).toContain('    → Clear it with clearInterval, or call unref() on it.');
      expect(text).not.toContain('no line of the program is known');
      expect(text).not.toContain('EVDIAG_WHY');
    }),
  );

  test(
    'without EVDIAG_WHY, and where the agent comes later, lines are those of what is called; it says so',
    inLab(async (lab) => {
      const child = spawn(TEST_NODE, ['--inspect-port=0', shapes(lab)], {
        cwd: lab.folder,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      try {
        await once(child.stdout, 'data');
        const text = (await textUntil(child.pid!, 'interval of 7777', '--attach')).replaceAll(`${lab.folder}/`, '');
        expect(text).toMatch(/ {2}interval of 5555 ms\n {4}calls shapes\.cjs:16:\d+ beat on 'callback'/);
        expect(text).toMatch(/ {2}server on 127\.0\.0\.1:\d+\n {4}calls shapes\.cjs:7:\d+ handle on 'request'/);
        expect(text).toMatch(/ {2}interval of 7777 ms · later-db\n/);
        expect(text).toMatch(/ {2}worker thread \d+, unless unref\(\) was called on it\n/);
        expect(text).toContain('Start the program with EVDIAG_WHY=5s for all lines.');
      } finally {
        child.kill('SIGKILL');
      }
    }),
  );

  test(
    'a program that nothing keeps alive but its own code: it says what runs',
    inLab(async (lab) => {
      const file = lab.file(
        'busy.cjs',
        "function spin() { for (;;) ; }\nconsole.log('ready');\nsetTimeout(spin, 1500);\n",
      );
      const program = lab.start(file, { env: { EVDIAG_QUIET: '1' } });
      await Promise.all([program.until('stdout', 'ready'), program.watched()]);
      const [main] = await whyUntil(program.pid, ([one]) => one!.alive.length === 0 && one!.runs !== null);
      expect(main!.runs).toMatchObject({ line: 1, function: 'spin' });
      const text = await textUntil(program.pid, 'nothing but what it does');
      expect(text).toMatch(/nothing but what it does keeps it alive: it runs .*busy\.cjs:1:\d+ spin/);
    }),
  );
});

describe('EVDIAG_WHY', () => {
  test(
    'a script that hangs: its stderr says what keeps it alive, once',
    inLab(async (lab) => {
      const file = lab.file(
        'hangs.mjs',
        "import net from 'node:net';\nconst server = net.createServer();\nserver.listen(0, '127.0.0.1');\nsetInterval(() => {}, 200);\n",
      );
      const program = lab.start(file, { env: { EVDIAG_WHY: '1s', EVDIAG_QUIET: '1' } });
      await program.until('stderr', 'more: npx evdiag why');
      const lines = program.stderr().replaceAll(`${lab.folder}/`, '').split('\n');
      expect(lines[0]).toBe('evdiag: the program has waited for 1 s; what keeps it alive:');
      expect(lines.slice(1, 3).sort()).toEqual([
        'evdiag:   interval of 200 ms · hangs.mjs:4:1',
        expect.stringMatching(/^evdiag: {3}server on 127\.0\.0\.1:\d+ · (started at )?hangs\.mjs:3:8$/),
      ]);
      expect(lines.slice(3)).toEqual([`evdiag: more: npx evdiag why ${program.pid}`, '']);
    }),
  );

  test(
    'a script that ends says nothing, and a bad value is one sentence',
    inLab(async (lab) => {
      const file = lab.file('ends.cjs', 'setTimeout(() => {}, 100);');
      expect((await lab.run(file, { env: { EVDIAG_WHY: '1s', EVDIAG_QUIET: '1' } })).stderr).toBe('');
      const { said } = await lab.run(file, { env: { EVDIAG_WHY: 'soon', EVDIAG_SUMMARY: '0' } });
      expect(said[0]).toBe('EVDIAG_WHY="soon" is not a time such as 5s, from 1s to 1h; not used');
    }),
  );

  test(
    'what the program prints and how it ends are the same with it, in the middle of promises and timers',
    inLab(async (lab) => {
      const text = `
        const { AsyncLocalStorage } = require('node:async_hooks');
        const storage = new AsyncLocalStorage();
        async function deep(n) { await null; if (n > 0) return deep(n - 1); throw new Error('deep ' + storage.getStore()); }
        storage.run(7, async () => {
          for (let i = 0; i < 2000; i++) await new Promise((resolve) => (i % 2 ? setImmediate(resolve) : resolve()));
          await deep(50).catch((error) => console.log(error.message, error.stack.split('\\n').length));
          process.exitCode = 3;
        });
      `;
      await lab.expectSame(lab.file('work.cjs', text), { env: { EVDIAG_WHY: '30s', EVDIAG_QUIET: '1' } });
    }),
  );
});
