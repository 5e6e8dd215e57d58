import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { rowsOf } from '../../src/recording/types.ts';
import { AGENT_CJS, inLab, type Lab, lineOf, stallPlaces, TEST_NODE, WORK } from '../support/run-agent.ts';

const BY_OPTIONS = { NODE_OPTIONS: `--require ${AGENT_CJS}` };

const BLOCK = `${WORK}
function handler(request, response) {
  work();
  response.end('done');
}
`;

/** Asks a port; the answer goes to `next`. */
const ASK = `
function ask(port, next) {
  require('node:http').get({ port, host: '127.0.0.1', agent: false }, (response) => {
    response.resume().on('end', () => next(response.statusCode));
  });
}
`;

/** The recordings are of one family: that many processes, each with its own. */
function expectFamily(lab: Lab, processes: number): void {
  expect(readdirSync(lab.out)).toHaveLength(1);
  const recordings = lab.recordings();
  const [root, ...others] = [...recordings].sort((a, b) => a.header.startMonotonicMs - b.header.startMonotonicMs);
  expect(new Set(recordings.map(({ header }) => header.pid)).size).toBe(processes);
  expect(recordings).toHaveLength(processes);
  for (const { header } of others) expect(header.parentPid).toBe(root!.header.pid);
  for (const { rows } of recordings) expect(rows.at(-1)).toMatchObject({ type: 'end', reason: 'exit' });
}

it(
  'cluster: each child is observed, and its blocked handler is an alarm though the primary holds the server',
  inLab(async (lab) => {
    const text = `${BLOCK}${ASK}
const cluster = require('node:cluster');
if (cluster.isPrimary) {
  const ports = [];
  for (const id of [1, 2]) cluster.fork({ ID: id });
  cluster.on('listening', (worker, { port }) => {
    ports.push(port);
    if (ports.length < 2) return;
    setTimeout(() => ask(ports[0], (one) => ask(ports[1], (other) => {
      console.log(one, other);
      setTimeout(() => cluster.disconnect(), 200);
    })), 700);
  });
  cluster.on('exit', (worker, code) => console.log('child ended', code));
} else {
  require('node:http').createServer(handler).listen(0, '127.0.0.1');
}
`;
    const run = await lab.expectSame(lab.file('app.js', text));
    expect(run.stdout).toBe('200 200\nchild ended 0\nchild ended 0\n');
    expectFamily(lab, 3);
    const { findings, processes } = await lab.report();
    const finding = findings.find(({ location }) => location?.line === lineOf(text, '// works'));
    expect(finding).toMatchObject({ rule: 'blocked-event-loop', kind: 'js-cpu', location: { function: 'work' } });
    expect(finding?.severity).toMatch(/warning|critical/);
    expect(processes).toHaveLength(3);
  }),
);

/** Ways to start `child.js`, with the environment that the agent needs to get there. */
const STARTS: { what: string; start: string; env?: Record<string, string>; node?: string[] }[] = [
  { what: 'fork', start: 'childProcess.fork(file)' },
  {
    what: 'spawn',
    start: "childProcess.spawn(process.execPath, [file], { stdio: 'inherit' })",
    env: BY_OPTIONS,
    node: [],
  },
  {
    what: 'spawn in another folder',
    start: "childProcess.spawn(process.execPath, [file], { stdio: 'inherit', cwd: '/' })",
    env: { ...BY_OPTIONS, EVDIAG_OUT: 'out' },
    node: [],
  },
];

describe('a child process has a recording in the family of its parent', () => {
  it.for(STARTS)('$what', async ({ start, env = {}, node }) => {
    await inLab(async (lab) => {
      const child = `${BLOCK}${ASK}
const server = require('node:http').createServer(handler).listen(0, '127.0.0.1', () => setTimeout(() => {
  ask(server.address().port, (status) => { console.log('child', status); server.close(); process.disconnect?.(); });
}, 600));
`;
      lab.file('child.js', child);
      const app = `
const childProcess = require('node:child_process');
const file = __dirname + '/child.js';
${start}.on('exit', (code) => console.log('child ended', code));
`;
      const run = await lab.expectSame(lab.file('app.js', app), { env, ...(node && { node }) });
      expect(run.stdout).toBe('child 200\nchild ended 0\n');
      expectFamily(lab, 2);
      const places = lab.recordings().flatMap((recording) => stallPlaces(recording, lab.folder));
      expect(places).toContain(`js-cpu child.js:${lineOf(child, '// works')}`);
      const { processes, findings } = await lab.report();
      expect(processes?.map(({ name }) => name)).toEqual(
        expect.arrayContaining([expect.stringMatching(/^main thread of pid \d+$/)]),
      );
      expect(findings.find(({ location }) => location?.file.endsWith('child.js'))?.severity).toMatch(
        /warning|critical/,
      );
    })();
  });
});

it(
  'equal findings of several children and threads are one, which names them all',
  inLab(async (lab) => {
    const child = `${BLOCK}
const { isMainThread, Worker } = require('node:worker_threads');
const timers = [setInterval(() => {}, 100), setInterval(() => {}, 100)];
setTimeout(() => {
  handler(null, { end() {} });
  const end = () => timers.forEach(clearInterval);
  if (isMainThread) new Worker(__filename).on('exit', end);
  else setTimeout(end, 200);
}, 500);
`;
    lab.file('child.js', child);
    const app = `
const { fork } = require('node:child_process');
const start = () => new Promise((resolve) => fork(__dirname + '/child.js').on('exit', resolve));
start().then(start);
`;
    await lab.expectSame(lab.file('app.js', app));
    expect(lab.recordings()).toHaveLength(5);
    const { findings, processes } = await lab.report();
    const found = findings.filter(({ location }) => location?.line === lineOf(child, '// works'));
    // Of a thread that lacked a core on a busy machine, the host is said to be the cause.
    expect(found[0]?.threadCount).toBeGreaterThanOrEqual(2);
    expect(found.filter(({ kind }) => kind === 'js-cpu')).toHaveLength(1);
    expect(processes?.map(({ threadId }) => (threadId === 0 ? 'main' : 'worker'))).toEqual([
      'main',
      'main',
      'worker',
      'main',
      'worker',
    ]);
  }),
);

describe('when the parent is killed, a child that follows it ends as without', () => {
  const CHILDREN = [
    { what: 'with the channel', text: "process.on('message', () => {}); process.send('up');" },
    {
      what: 'by its own word',
      text: "setInterval(() => {}, 100); process.on('disconnect', () => process.exit(0)); process.send('up');",
    },
    {
      what: 'while it is blocked',
      text: "process.on('message', () => {}); process.send('up'); const end = performance.now() + 1500; while (performance.now() < end);",
    },
    {
      what: 'with a worker thread',
      text: "new (require('node:worker_threads').Worker)('setInterval(() => {}, 1e6)', { eval: true }).unref(); process.on('message', () => {}); process.send('up');",
    },
  ];

  it.for(CHILDREN)('$what', async ({ text }) => {
    await inLab(async (lab) => {
      lab.file('child.js', text);
      const app = `
require('node:child_process').fork(__dirname + '/child.js').on('message', () => setTimeout(console.log, 400, 'both run'));
`;
      // It has ended once its pipes are closed: the child holds them, too.
      const run = await lab.expectSame(lab.file('app.js', app), {
        drive: async (program) => {
          await program.until('stdout', 'both run');
          program.kill('SIGKILL');
        },
      });
      expect(run).toMatchObject({ signal: 'SIGKILL', stdout: 'both run\n' });
      const ends = lab.recordings().map((recording) => rowsOf(recording, 'end').length);
      expect(ends.sort()).toEqual([0, 1]);
    })();
  });
});

it(
  'who only starts another program and waits leaves the last word to that, and is recorded all the same',
  inLab(async (lab) => {
    const app = lab.file('app.js', `${WORK}\nsetTimeout(work, 600); setTimeout(() => {}, 1200);`);
    const command = JSON.stringify(`"${TEST_NODE}" "${app}"; true`);
    const text = `require('node:child_process').spawn('sh', ['-c', ${command}], { stdio: 'inherit' });`;
    const { said } = await lab.run(lab.file('wrapper.js', text), { node: [], env: BY_OPTIONS });
    const recorded = said.filter((line) => line.startsWith('recorded '));
    expect(recorded, said.join('\n')).toEqual([expect.stringMatching(/main-\d+$/)]);
    expect(said.join('\n')).toContain('app.js:');
    expect(lab.recordings()).toHaveLength(2);
  }),
);
