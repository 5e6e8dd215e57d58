import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { evdiag } from '../support/dump.ts';
import { tempFolder } from '../support/recording.ts';
import { AGENT_CJS, inLab, type Lab, ROOT } from '../support/run-agent.ts';
import { sickFolder } from '../support/sick-recording.ts';

const PROGRAM = `
require('node:http').createServer().listen(0);
setInterval(() => { for (let n = 0, start = process.cpuUsage(); process.cpuUsage(start).user < 250e3; ) while (++n % 1e6); }, 800);
`;

/** A program that listens where nobody else does. */
async function started(lab: Lab) {
  const cwd = tempFolder({ 'run/.keep': '', 'tmp/.keep': '' });
  const env = { XDG_RUNTIME_DIR: join(cwd, 'run'), TMPDIR: join(cwd, 'tmp') };
  const program = lab.start(lab.file('app.cjs', PROGRAM), { node: ['-r', AGENT_CJS], env });
  const sockets = () =>
    readdirSync(join(cwd, 'run'), { recursive: true }).filter((file) => String(file).endsWith('.sock'));
  await expect.poll(() => sockets().length, { timeout: 60_000 }).toBe(1);
  return { program, env };
}

describe('evdiag top --json', () => {
  test(
    'lists what can be observed',
    inLab(async (lab) => {
      const { program, env } = await started(lab);
      const { status, stdout } = await evdiag(['top', '--json'], env);
      expect(status).toBe(0);
      const { schema, processes } = JSON.parse(stdout);
      expect(schema).toBe('evdiag-top/1');
      expect(processes).toContainEqual(expect.objectContaining({ pid: program.pid, level: 'watch', threads: [0] }));
    }),
  );

  test.each([
    ['until the process ends', 'program', 0],
    ['until Ctrl-C', 'viewer', 130],
  ] as const)('prints the rows of a process as they come, %s', (_, ends, exitCode) =>
    inLab(async (lab) => {
      const { program, env } = await started(lab);
      const viewer = spawn(process.execPath, [join(ROOT, 'bin/evdiag.mjs'), 'top', String(program.pid), '--json'], {
        env: { ...process.env, ...env },
      });
      let text = '';
      viewer.stdout.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      await expect.poll(() => text, { timeout: 60_000 }).toContain('"type":"stall"');
      if (ends === 'program') program.kill('SIGKILL');
      else viewer.kill('SIGINT');
      expect(await new Promise((resolve) => viewer.once('close', resolve))).toBe(exitCode);
      const lines = text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      expect(lines[0]).toMatchObject({ type: 'header', pid: program.pid, threadId: 0 });
      const stall = lines.find(({ type }) => type === 'stall');
      expect(stall).toMatchObject({ pid: program.pid, threadId: 0 });
    })(),
  );

  test('a process that is not there', async () => {
    expect(await evdiag(['top', '4194303', '--json'])).toMatchObject({ status: 3, stdout: '' });
    expect((await evdiag(['top', 'x', '--json'])).status).toBe(2);
  });
});

describe('evdiag replay --json', () => {
  test('prints events and findings with their times', async () => {
    const { status, stdout } = await evdiag(['replay', join(sickFolder(), 'out'), '--json']);
    expect(status).toBe(0);
    const { schema, durationMs, events, findings } = JSON.parse(stdout);
    expect({ schema, durationMs }).toEqual({ schema: 'evdiag-replay/1', durationMs: 10_200 });
    expect(events.map(({ atMs, type }: { atMs: number; type: string }) => `${atMs} ${type}`)).toEqual([
      '3000 stall',
      '5000 stall',
      '8000 stall',
      '10200 end',
    ]);
    expect(findings[0]).toMatchObject({ atMs: 3000, rule: 'blocked-event-loop', location: { line: 10 } });
  });

  test('not of a scenario', async () => {
    const { status, stderr } = await evdiag(['replay', '--scenario', 'cpu-hog', '--json']);
    expect(status).toBe(2);
    expect(stderr).toContain('evdiag scenario ID --json');
  });
});
