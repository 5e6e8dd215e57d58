import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { evdiag } from '../support/dump.ts';
import { inLab, TEST_NODE } from '../support/run-agent.ts';
import { ANY_PORT, startProgram } from '../support/unprepared.ts';

interface Listed {
  pid: number;
  state: string;
  nodeVersion: string;
  argv: string[];
  [field: string]: unknown;
}

async function listed(): Promise<Listed[]> {
  const { status, stdout, stderr } = await evdiag(['ps', '--json']);
  expect([status, stderr]).toEqual([0, '']);
  const { schema, processes } = JSON.parse(stdout) as { schema: string; processes: Listed[] };
  expect(schema).toBe('evdiag-ps/1');
  return processes;
}

test(
  'Node is found by what runs, whatever its name, with what can be done about it; secrets are not shown',
  inLab(async (lab) => {
    const renamed = join(lab.folder, 'my-service');
    copyFileSync(TEST_NODE, renamed);
    const program = lab.start(lab.file('app.cjs', `console.log('ready'); setInterval(() => {}, 1e6);`));
    const children: ChildProcess[] = [];
    try {
      children.push(
        await startProgram('setInterval(() => {}, 1e6)', [ANY_PORT, '--title=x']),
        await startProgram(`process.on('SIGUSR1', () => {}); setInterval(() => {}, 1e6)`),
        spawn(renamed, [
          ANY_PORT,
          '-e',
          'setInterval(() => {}, 1e6)',
          '--',
          '--api-key',
          'hunter2',
          'https://u:hunter2@h/?q=hunter2',
        ]),
        spawn('node-is-not-it.sh', { shell: true }),
        spawn('sh', ['-c', 'exec sleep 100'], { argv0: 'node' }),
      );
      const [plain, handling, service, , sleeping] = children;
      await Promise.all([program.until('stdout', 'ready'), program.watched()]);
      const all = await listed();
      const of = (pid: number | undefined) => all.find((one) => one.pid === pid);
      expect(of(program.pid)).toMatchObject({ state: 'agent', why: '' });
      expect(of(plain!.pid)).toMatchObject({ state: 'attachable', container: null });
      expect(of(plain!.pid)!.nodeVersion).toMatch(/^\d+\.\d+\.\d+/);
      expect(of(handling!.pid)).toMatchObject({ state: 'own-handler', why: expect.stringContaining('SIGUSR1 itself') });
      expect(of(service!.pid)!.argv.join(' ')).toContain('--api-key *** https://***@h/?***');
      expect(JSON.stringify(all)).not.toContain('hunter2');
      expect(of(sleeping!.pid)).toBeUndefined();
      for (const one of [of(plain!.pid)!, of(service!.pid)!]) {
        expect(one.threads).toBeGreaterThan(1);
        expect(one.rssBytes).toBeGreaterThan(1e6);
        expect(one.ageMs).toBeGreaterThanOrEqual(0);
      }

      const { stdout } = await evdiag(['ps']);
      const [head = '', ...rows] = stdout.trimEnd().split('\n');
      const at = head.indexOf('COMMAND');
      for (const row of rows) if (row.length > at) expect(row.slice(at - 2, at)).toBe('  ');
      expect(stdout).not.toContain('hunter2');
    } finally {
      for (const child of children) child.kill('SIGKILL');
    }
  }),
);

test.each([[['--what']], [['4711', '--json', '--nope']]])('bad usage: ps %j', async (words) => {
  const run = await evdiag(['ps', ...words]);
  expect([run.status, run.stdout]).toEqual([2, '']);
});
