import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Connection, connect } from '../../src/attach/connect.ts';
import { takeAllocationProfiles } from '../../src/attach/take-allocation-profile.ts';
import { rowsOf } from '../../src/recording/types.ts';
import { inLab, type Lab, OWN_ROWS } from '../support/run-agent.ts';

const ALLOCATING = `
const kept = [];
function remember() { for (let i = 0; i < 200; i++) kept.push({ i, name: 'kept ' + i, tags: [i, i + 1] }); }
const latest = [];
function waste() { for (let i = 0; i < 4000; i++) latest[i % 50] = { i, text: 'waste ' + i, tags: [i, i + 1] }; }
setInterval(remember, 5);
setInterval(waste, 5);
console.log('ready');
`;
const SAMPLED_BY_ITSELF = `
const { Session } = require('node:inspector');
const session = new Session();
session.connect();
session.post('HeapProfiler.startSampling');
${ALLOCATING}
process.on('SIGUSR2', () => {
  session.post('HeapProfiler.stopSampling', (error, result) => console.log(error ? 'lost' : 'still mine ' + typeof result.profile));
});
`;
interface Node {
  callFrame: { functionName: string };
  selfSize: number;
  children: Node[];
}

/** Bytes by function. */
function bytesOf(text: string): Record<string, number> {
  const bytes: Record<string, number> = {};
  const add = ({ callFrame, selfSize, children }: Node): void => {
    bytes[callFrame.functionName] = (bytes[callFrame.functionName] ?? 0) + selfSize;
    children.forEach(add);
  };
  add((JSON.parse(text) as { head: Node }).head);
  return bytes;
}

const observed = (text: string, use: (connection: Connection, lab: Lab) => Promise<void>, env = {}) =>
  inLab(async (lab) => {
    const program = lab.start(lab.file('app.js', text), { env });
    await program.until('stdout', 'ready');
    await program.watched();
    const connection = await connect(program.pid);
    try {
      await use(connection, lab);
    } finally {
      connection.close();
      program.kill('SIGKILL');
      await program.ended;
    }
  });

const request = { durationMs: 800, intervalBytes: 16_384 };

describe.concurrent('allocation-profile', () => {
  for (const level of ['watch', 'diagnose']) {
    test(
      `all that is allocated, or only what stays; at level ${level}`,
      observed(
        ALLOCATING,
        async (connection) => {
          const all = await takeAllocationProfiles(connection, { ...request, live: false });
          const live = await takeAllocationProfiles(connection, { ...request, live: true });
          expect([all.problems, live.problems]).toEqual([[], []]);
          const [allocated, alive] = [bytesOf(all.threads[0]!.text), bytesOf(live.threads[0]!.text)];
          expect(allocated.waste).toBeGreaterThan(allocated.remember!);
          expect(alive.remember).toBeGreaterThan(10 * (alive.waste ?? 0));
        },
        { EVDIAG_LEVEL: level },
      ),
    );
  }

  test(
    'one at a time, and bad requests are told',
    observed(ALLOCATING, async (connection) => {
      const first = takeAllocationProfiles(connection, { ...request, live: true });
      await expect(takeAllocationProfiles(connection, { ...request, live: true })).rejects.toThrow(
        'already being sampled',
      );
      await first;
      const bad = { ...request, intervalBytes: 1, live: true };
      await expect(takeAllocationProfiles(connection, bad)).rejects.toThrow('from 1024 to');
    }),
  );

  test(
    'a program that samples by itself keeps its samples',
    inLab(async (lab) => {
      const program = lab.start(lab.file('app.js', SAMPLED_BY_ITSELF));
      await program.until('stdout', 'ready');
      await program.watched();
      const connection = await connect(program.pid);
      await expect(takeAllocationProfiles(connection, { ...request, live: true })).rejects.toThrow('by itself');
      connection.close();
      program.kill('SIGUSR2');
      await program.until('stdout', 'still mine object');
      program.kill('SIGKILL');
      await program.ended;
    }),
  );
});

test(
  'at level diagnose, what stays is told once the heap has grown, with the whole profile in a private file',
  inLab(async (lab) => {
    const text = `${OWN_ROWS}
const ring = [], kept = [];
let i = 0;
function remember() { const list = []; for (let k = 0; k < 4000; k++) list.push(k / 2); kept.push(list); }
const timer = setInterval(() => { ring[i++ % 12] = Buffer.alloc(4e6); remember(); }, 20);
until(() => rows('allocations').length > 0).then(() => clearInterval(timer));
`;
    const file = lab.file('app.js', text);
    await lab.run(file, { env: { EVDIAG_LEVEL: 'diagnose' } });
    const recording = lab.recording();
    const [row] = rowsOf(recording, 'allocations');
    expect(row?.sites[0]).toMatchObject({ location: { file, function: 'remember' } });
    expect(row?.sites[0]?.olderBytes).toBeGreaterThan(row!.sites[0]!.aliveBytes * 0.2);
    expect(statSync(join(recording.path!, row!.file!)).mode & 0o777).toBe(0o600);
  }),
);
