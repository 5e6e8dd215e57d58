import { expect, test } from 'vitest';
import { connect } from '../../src/attach/connect.ts';
import { type TakenCpuProfile, takeCpuProfiles } from '../../src/attach/take-cpu-profile.ts';
import { toThreadProfile } from '../../src/cli/profile/taken-profile.ts';
import { tableOf } from '../../src/profile/table.ts';
import { inLab } from '../support/run-agent.ts';

/** `inner` does the work, and V8 inlines it into `outer`, and that into `handler`. */
const HOT = `
function inner(n) { let sum = 0; for (let i = 0; i < n; i++) sum = (sum * 31 + i) | 0; return sum; }
function outer(n) { return inner(n) + inner(n); }
function handler(ms) { const end = Date.now() + ms; let sum = 0; while (Date.now() < end) sum += outer(1000); return sum; }
`;
const WARM = `${HOT}
setInterval(() => handler(20), 30);
setTimeout(() => console.log('warm'), 1000);
`;
const BLOCKED = `
function endless() { console.log('warm'); let sum = 0; for (;;) for (let i = 0; i < 1e5; i++) sum = (sum * 31 + i) | 0; }
setTimeout(endless, 600);
`;
const IN_WORKER = `${HOT}
const { Worker, isMainThread } = require('node:worker_threads');
if (isMainThread) new Worker(__filename).on('message', () => console.log('warm'));
else {
  setInterval(() => handler(20), 30);
  setTimeout(() => require('node:worker_threads').parentPort.postMessage(''), 1000);
}
`;

/** By function, the share of the samples of the program's file: what Node and the agent do beside it depends on the host. */
function shares({ profile }: TakenCpuProfile): Record<string, number> {
  const names = new Map(
    profile.nodes
      .filter(({ callFrame }) => callFrame.url.endsWith('app.js'))
      .map(({ id, callFrame }) => [id, callFrame.functionName]),
  );
  const busy = profile.samples.flatMap((id) => names.get(id) ?? []);
  const result: Record<string, number> = {};
  for (const name of busy) result[name] = (result[name] ?? 0) + 1 / busy.length;
  return result;
}

const profiled = (text: string, inlining: boolean, check: (threads: TakenCpuProfile[]) => void) =>
  inLab(async (lab) => {
    const program = lab.start(lab.file('app.js', text));
    await program.until('stdout', 'warm');
    await program.watched();
    const connection = await connect(program.pid);
    try {
      const { threads, problems } = await takeCpuProfiles(connection, { durationMs: 1000, intervalUs: 1000, inlining });
      expect(problems).toEqual([]);
      check(threads);
    } finally {
      connection.close();
      program.kill('SIGKILL');
      await program.ended;
    }
  });

test(
  'functions that were optimised and inlined before have their own time',
  profiled(WARM, false, ([main]) => {
    expect(main).toMatchObject({ threadId: 0, warmCode: true, apart: true });
    expect(shares(main!).inner).toBeGreaterThan(0.6);
    expect(main!.sampleCount).toBe(main!.profile.samples.length);
    expect(main!.spanMs).toBeGreaterThan(900);
  }),
);

test(
  'with inlining, warm code is not lost either',
  profiled(WARM, true, ([main]) => {
    const { inner = 0, outer = 0, handler = 0 } = shares(main!);
    expect(inner + outer + handler).toBeGreaterThan(0.6);
    expect(main).toMatchObject({ apart: false });
  }),
);

test(
  'a loop that was running before the profile began, and never ends',
  profiled(BLOCKED, false, ([main]) => {
    expect(shares(main!).endless).toBeGreaterThan(0.6);
  }),
);

test(
  'worker threads',
  profiled(IN_WORKER, false, (threads) => {
    expect(threads.map(({ threadId }) => threadId)).toEqual([0, expect.any(Number)]);
    expect(shares(threads[1]!).inner).toBeGreaterThan(0.6);
    expect(shares(threads[0]!).inner ?? 0).toBe(0);
  }),
);

test(
  'when the client goes the profile ends, and the next one can be taken',
  inLab(async (lab) => {
    const program = lab.start(lab.file('app.js', WARM));
    await program.until('stdout', 'warm');
    const request = { durationMs: 600_000, intervalUs: 1000, inlining: false };
    const first = await connect(program.pid);
    const lost = takeCpuProfiles(first, request).catch((error: Error) => error.message);
    const second = await connect(program.pid);
    try {
      // The first has begun by then: requests come in order of their connections' writes.
      await expect(takeCpuProfiles(second, request)).rejects.toThrow(
        'A profile of this process is already being taken',
      );
      first.close();
      await lost;
      const short = { ...request, durationMs: 200 };
      const again = async (): Promise<number> => {
        try {
          return (await takeCpuProfiles(second, short)).threads.length;
        } catch (error) {
          if (!(error as Error).message.includes('already being taken')) throw error;
          return again();
        }
      };
      expect(await again()).toBe(1);
    } finally {
      second.close();
      program.kill('SIGKILL');
      await program.ended;
    }
  }),
);

test.each([
  [{ durationMs: 0 }, 'between 1 ms and 1 h'],
  [{ durationMs: 'ten' }, 'between 1 ms and 1 h'],
  [{ intervalUs: 1 }, '50 µs to 1 s'],
  [{ durationMs: 3_000_000, intervalUs: 100 }, 'more than 2000000 samples'],
] as const)('%j is refused: %s', (fields, sentence) =>
  inLab(async (lab) => {
    const program = lab.start(lab.file('app.js', 'setInterval(() => {}, 1000); console.log("up")'));
    await program.until('stdout', 'up');
    const connection = await connect(program.pid);
    try {
      const request = { durationMs: 1000, intervalUs: 1000, inlining: false, ...fields };
      await expect(connection.request('cpu-profile', request as never)).rejects.toThrow(sentence);
    } finally {
      connection.close();
      program.kill('SIGKILL');
      await program.ended;
    }
  })(),
);

test(
  'a program that exits meanwhile says nothing more, and exits as it wanted',
  inLab(async (lab) => {
    const program = lab.start(lab.file('app.js', `${WARM} setTimeout(() => process.exit(5), 2500);`), {
      env: { EVDIAG_QUIET: '1' },
    });
    await program.until('stdout', 'warm');
    const connection = await connect(program.pid);
    const request = { durationMs: 60_000, intervalUs: 1000, inlining: false };
    await expect(takeCpuProfiles(connection, request)).rejects.toThrow('ended, or closed the connection');
    expect(await program.ended).toMatchObject({ exitCode: 5, stderr: '' });
  }),
);

/** Synchronous calls of each kind of wrapper: of a function of JavaScript's, of V8's own, of a class. */
const MARKED = `
const { pbkdf2Sync } = require('node:crypto');
const text = JSON.stringify(Array.from({ length: 20_000 }, (_, i) => ({ i })));
function hash() { pbkdf2Sync('a', 'b', 5000, 32, 'sha512'); }
function parse() { JSON.parse(text); }
function format() { for (let i = 0; i < 100; i++) new Intl.NumberFormat('de', { style: 'percent' }).format(i); }
setInterval(() => { hash(); parse(); format(); }, 10);
setTimeout(() => console.log('warm'), 1000);
`;

test(
  'what the agent wraps is the time of whoever calls it, not the agent’s',
  inLab(async (lab) => {
    const program = lab.start(lab.file('app.js', MARKED));
    await program.until('stdout', 'warm');
    const connection = await connect(program.pid);
    try {
      const { threads } = await takeCpuProfiles(connection, { durationMs: 1500, intervalUs: 500, inlining: false });
      const { all, rows } = tableOf(
        { title: '', kind: 'cpu', unit: 'us', threads: [toThreadProfile(threads[0]!)] },
        'function',
      );
      const shareOf = (name: string) => (rows.find((row) => row.name === name)?.total ?? 0) / all;
      for (const name of ['hash', 'parse', 'format']) expect(shareOf(name), name).toBeGreaterThan(0.02);
      expect(shareOf('evdiag agent')).toBeLessThan(0.3);
    } finally {
      connection.close();
      program.kill('SIGKILL');
      await program.ended;
    }
  }),
);
