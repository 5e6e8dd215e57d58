import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type Connection, connect } from '../../src/attach/connect.ts';
import type { MethodName } from '../../src/protocol/methods.ts';
import { evdiag } from '../support/dump.ts';
import { inLab, type Program } from '../support/run-agent.ts';

/** Each of its threads lasts 0.7 s, two or three are there at a time: those that are asked end while they are. */
const COME_AND_GO = (body: string): string => `
const { Worker } = require('node:worker_threads');
setInterval(() => new Worker(${JSON.stringify(body)}, { eval: true }), 300);
console.log('up');
`;
const BODIES = {
  'that run out of work': 'setTimeout(() => {}, 700)',
  'that wait in Atomics.wait': 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700)',
};
/** The main thread cannot be interrupted, and does not come back. */
const STUCK = `
const { execFileSync } = require('node:child_process');
setTimeout(() => { console.log('stuck'); execFileSync('sleep', ['600']); }, 300);
`;

/** Until somebody besides the main thread can be asked. */
async function withWorkers(pid: number): Promise<void> {
  const connection = await connect(pid);
  try {
    while ((await connection.request('hello', {})).threads.length < 2) await pause(20);
  } finally {
    connection.close();
  }
}

interface Answer {
  threads: { name?: string; threadId?: number }[];
  problems: { name: string; threadId: number; problem: string }[];
}

const ENDED = 'the thread ended meanwhile';

/** Runs the command until a thread ends while it is asked, which on a busy host is not so each time; it answers each time. */
async function asked(pid: number, ...args: string[]): Promise<{ answer: Answer; stderr: string }> {
  for (;;) {
    await withWorkers(pid);
    const { status, stdout, stderr } = await evdiag([args[0]!, String(pid), ...args.slice(1), '--json']);
    expect(status, stderr).toBe(0);
    const answer = JSON.parse(stdout) as Answer;
    if (answer.problems?.some(({ problem }) => problem === ENDED) ?? true) return { answer, stderr };
  }
}

test.each(Object.entries(BODIES))(
  'threads %s while they are asked are named, the others answer, and the next one may ask',
  (_name, body) =>
    inLab(async (lab) => {
      const { pid } = await started(lab.start(lab.file('app.js', COME_AND_GO(body)), { env: { EVDIAG_QUIET: '1' } }));
      const ended = { problem: ENDED, name: expect.stringMatching(/^worker \d+$/) };
      for (const args of [
        ['record', '-d', '2', '-o', `${lab.folder}/1.cpuprofile`],
        ['record', '-d', '2', '-o', `${lab.folder}/2.heapprofile`, '--allocations'],
        ['trace', '-d', '2', '-o', `${lab.folder}/3.json`],
      ]) {
        const { answer, stderr } = await asked(pid, ...args);
        // On a busy host one may live on to the end.
        expect(answer.threads[0]).toMatchObject(args[0] === 'trace' ? { threadId: 0 } : { name: 'main thread' });
        expect(answer.problems, args.join(' ')).toContainEqual(expect.objectContaining(ended));
        expect(stderr).toMatch(/No (profile|trace) of worker \d.*: the thread ended meanwhile\./);
      }
      const { answer } = await asked(pid, 'dump', '--quick', '--yes');
      expect(answer.threads[0]).toMatchObject({ threadId: 0, problem: null, suspended: expect.any(Object) });
    })(),
);

test(
  'snapshots of a process whose threads come and go are of one process',
  inLab(async (lab) => {
    const text = COME_AND_GO(BODIES['that wait in Atomics.wait']);
    const { pid } = await started(lab.start(lab.file('app.js', text), { env: { EVDIAG_QUIET: '1' } }));
    await withWorkers(pid);
    const { status, stdout, stderr } = await evdiag(['leaks', String(pid), '--wait', '1', '--yes', '--json']);
    expect(status, stderr).toBe(0);
    expect((JSON.parse(stdout) as { snapshots: unknown[] }).snapshots).toHaveLength(3);
  }),
);

test.each([
  ['cpu-profile', { durationMs: 600_000, intervalUs: 1000, inlining: false }],
  ['allocation-profile', { durationMs: 600_000, intervalBytes: 65_536, live: false }],
  ['async-trace', { durationMs: 60_000 }],
  ['dump', { mode: 'quick' }],
  ['snapshot', {}],
] as const)(
  'who goes in the middle of "%s" locks nobody out, also where the thread does not answer',
  (method, params) =>
    inLab(async (lab) => {
      const program = lab.start(lab.file('app.js', STUCK), { env: { EVDIAG_QUIET: '1' } });
      await program.until('stdout', 'stuck');
      const first = await connect(program.pid);
      const second = await connect(program.pid);
      try {
        const lost = first.request(method, params as never).catch((error: Error) => error.message);
        // It is being worked at when a later request of the same connection has been answered.
        await first.request('hello', {});
        first.close();
        await lost;
        await gone(second, method, params);
      } finally {
        second.close();
        program.kill('SIGKILL');
        await program.ended;
      }
    })(),
);

/** Resolves when the next one is being worked at, or has been answered: no longer refused, nor in a queue behind the one that has gone. */
async function gone(next: Connection, method: MethodName, params: object): Promise<void> {
  const { pid } = next.hello;
  const isRefused = async (): Promise<boolean> => {
    const asking = next.request(method, params as never).then(
      () => '',
      (error: Error) => error.message,
    );
    const word = await Promise.race([asking, next.request('hello', {}).then(() => 'works')]);
    return /already being (taken|sampled)/.test(word);
  };
  if (method === 'dump' || method === 'snapshot') {
    // These wait for their turn: an estimate is behind them, and is answered.
    await expect(next.request('estimate', {}, { timeoutMs: 30_000 }), String(pid)).resolves.toBeDefined();
    return;
  }
  const giveUpAt = performance.now() + 30_000;
  while (await isRefused()) {
    expect(performance.now(), 'it is locked out').toBeLessThan(giveUpAt);
    await pause(50);
  }
}

async function started(program: Program): Promise<Program> {
  await program.until('stdout', 'up');
  await program.watched();
  return program;
}
