import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { figuresOf } from '../../src/cli/live/monitored-process.ts';
import { evdiag } from '../support/dump.ts';
import { recordingOf, stall } from '../support/recording.ts';
import { inLab, type Lab, ROOT } from '../support/run-agent.ts';

/** Far away: a busy machine makes the start of a process long. */
const FAR = { timeout: 90_000, interval: 50 };
vi.setConfig({ testTimeout: 120_000 });

const PROGRAM = `
require('node:http').createServer().listen(0);
setInterval(() => require('node:child_process').execFileSync('sleep', ['0.5']), 700);
console.log('ready');
`;

/** Programs and a monitor that see no others. */
function inRoom(body: (room: Awaited<ReturnType<typeof openRoom>>) => Promise<void>) {
  return inLab(async (lab) => body(await openRoom(lab)));
}

async function openRoom(lab: Lab) {
  lab.file('run/.keep', '');
  lab.file('tmp/.keep', '');
  const env = { XDG_RUNTIME_DIR: join(lab.folder, 'run'), TMPDIR: join(lab.folder, 'tmp') };
  return {
    env,
    async program() {
      const program = lab.start(lab.file('app.cjs', PROGRAM), { env, hangMs: 110_000 });
      await program.until('stdout', 'ready');
      await program.watched();
      return program;
    },
    monitor(...args: string[]) {
      const child = spawn(process.execPath, [join(ROOT, 'bin/evdiag.mjs'), 'monitor', ...args], {
        env: { ...process.env, ...env },
      });
      const said = { stdout: '', stderr: '' };
      for (const stream of ['stdout', 'stderr'] as const) {
        child[stream].setEncoding('utf8').on('data', (more: string) => {
          said[stream] += more;
        });
      }
      const ended = once(child, 'close').then(([code]) => code as number | null);
      const lines = () => said.stdout.split('\n').slice(0, -1);
      return {
        child,
        said,
        ended,
        lines,
        objects: () => lines().map((line) => JSON.parse(line) as Record<string, unknown>),
      };
    },
  };
}

describe('evdiag monitor', () => {
  test(
    'prints what each process does, says who comes and goes, and ends by Ctrl-C',
    inRoom(async ({ program, monitor }) => {
      const first = await program();
      const { child, said, ended, objects } = monitor('--json', '--every', '0.5');
      const of = (pid: number, event: string) => objects().filter((one) => one.pid === pid && one.event === event);
      await expect.poll(() => of(first.pid, 'found').length, FAR).toBe(1);
      const second = await program();
      await expect.poll(() => of(second.pid, 'appeared').length, FAR).toBe(1);
      await expect.poll(() => of(first.pid, 'sample').some(({ blockedMs }) => Number(blockedMs) > 0), FAR).toBe(true);
      await expect.poll(() => of(first.pid, 'sample').at(-1)?.worst, FAR).toMatchObject({ rule: 'blocked-event-loop' });
      second.kill('SIGKILL');
      await expect.poll(() => of(second.pid, 'ended').length, FAR).toBe(1);
      child.kill('SIGINT');
      expect(await ended).toBe(130);
      const sample = of(first.pid, 'sample').at(-1)!;
      expect(sample).toMatchObject({ schema: 'evdiag-monitor/1', command: expect.stringContaining('app.cjs') });
      expect(sample.heapUsedBytes).toBeGreaterThan(1e6);
      expect(sample.utilization).toBeGreaterThan(0);
      expect(said.stderr).toBe('');
      expect(of(first.pid, 'ended')).toEqual([]);
      first.kill('SIGKILL');
    }),
  );

  test(
    'of chosen processes it ends with the last of them',
    inRoom(async ({ program, monitor }) => {
      const app = await program();
      const { ended, lines, said } = monitor(String(app.pid), '--every', '0.5');
      await expect.poll(() => lines().length, FAR).toBeGreaterThan(3);
      app.kill('SIGKILL');
      expect(await ended, said.stderr).toBe(0);
      expect(lines()[0]).toMatch(/^TIME +PID +LOAD +P99 +BLOCKED +HEAP +RSS +FINDINGS, COMMAND$/);
      expect(lines()[1]).toMatch(new RegExp(`^\\d\\d:\\d\\d:\\d\\d +${app.pid}  is watched: .*app\\.cjs$`));
      expect(lines().at(-1)).toContain('has ended');
    }),
  );

  test('bad usage and processes that are not there', async () => {
    const statusOf = async (...args: string[]) => (await evdiag(['monitor', ...args])).status;
    expect(await statusOf('x')).toBe(2);
    expect(await statusOf('1', '--all')).toBe(2);
    expect(await statusOf('--every', '0')).toBe(2);
    expect(await statusOf('4194303')).toBe(3);
  });
});

describe('the figures of a line', () => {
  const loop = (t: number, activeMs: number) => ({
    t,
    type: 'event-loop-utilization' as const,
    utilization: activeMs / 1000,
    activeMs,
    idleMs: 1000 - activeMs,
  });

  test('are of the time since the line before', () => {
    const rows = [loop(1000, 900), loop(2000, 100), loop(3000, 300)];
    expect(figuresOf(recordingOf(rows), 1500, 3500)).toMatchObject({
      utilization: 0.2,
      blockedMs: 0,
      isBlocked: false,
    });
  });

  test('a stall counts with the part that lies in that time', () => {
    const rows = [stall({ id: 1, startMs: 500, durationMs: 1000 }), stall({ id: 2, startMs: 2000, durationMs: 300 })];
    expect(figuresOf(recordingOf(rows), 1000, 3000)).toMatchObject({ blockedMs: 800, isBlocked: false });
  });

  test('a stall that is still on counts until now, and the loop is busy', () => {
    const open = {
      type: 'stall-open' as const,
      id: 3,
      startMs: 2000,
      t: 2100,
      durationMs: 100,
      kind: null,
      location: null,
    };
    const rows = [loop(1000, 0), open];
    expect(figuresOf(recordingOf(rows), 1000, 7000)).toMatchObject({
      blockedMs: 5000,
      isBlocked: true,
      utilization: 5 / 6,
    });
  });

  test('nothing is known yet', () => {
    expect(figuresOf(recordingOf([]), 0, 100)).toMatchObject({ utilization: null, delayP99Ms: null, rssBytes: null });
  });
});
