import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { isListening } from '../../src/util/stale-files.ts';
import { evdiag } from '../support/dump.ts';
import { AGENT_CJS, TEST_NODE } from '../support/run-agent.ts';
import { eventually } from '../support/unprepared.ts';

const CONTAINER = ['--pid', '--fork', '--mount-proc', '--kill-child'];
const canContain = process.getuid?.() === 0 && spawnSync('unshare', [...CONTAINER, 'true']).status === 0;
const PROGRAM = 'setInterval(() => {}, 1000)';

function folderOf(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `evdiag-${name}-`));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function start(env: NodeJS.ProcessEnv, before: readonly string[] = []): ChildProcess {
  const [command, ...args] = [...before, TEST_NODE, '-r', AGENT_CJS, '-e', PROGRAM];
  const { NODE_OPTIONS: _, ...rest } = process.env;
  const child = spawn(command!, args, { env: { ...rest, ...env, EVDIAG_QUIET: '1' }, stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

function filesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).toSorted() : [];
}

/** As one that another process has been writing for long. */
function snapshotOf(pid: number, folder: string): string {
  const name = `${pid}-abc-1.heapsnapshot`;
  writeFileSync(join(folder, name), '');
  utimesSync(join(folder, name), 1, 1);
  return name;
}

describe.skipIf(process.platform === 'win32')('the folder of sockets', () => {
  test.each([
    ['is a link', (real: string, shown: string) => symlinkSync(real, join(shown, 'evdiag'))],
    [
      'is reached by a link',
      (real: string, shown: string) => {
        rmSync(shown, { recursive: true });
        symlinkSync(join(real, '..'), shown);
      },
    ],
  ])(
    'that %s is used, and what a killed process has left in it is removed',
    async (_, link) => {
      const folder = folderOf('links');
      const [real, shown, out] = ['real/evdiag', 'shown', 'out'].map((name) => join(folder, name)) as [
        string,
        string,
        string,
      ];
      mkdirSync(real, { recursive: true, mode: 0o700 });
      mkdirSync(shown);
      link(real, shown);
      const env = { XDG_RUNTIME_DIR: shown, EVDIAG_OUT: out };
      const [stays, dies] = [start(env), start(env)];
      const [stayed, died] = [`${stays.pid}.sock`, `${dies.pid}.sock`];
      await eventually(() => [stayed, died].every((name) => filesIn(real).includes(name)));
      const [kept, left] = [snapshotOf(stays.pid!, real), snapshotOf(dies.pid!, real)];
      dies.kill('SIGKILL');
      await eventually(() => dies.signalCode !== null);
      // Who asks for it finds it gone, and removes what it has left.
      expect(await evdiag(['dump', String(dies.pid)], env)).toMatchObject({ status: 3 });
      const { status, stdout, stderr } = await evdiag(['ps', '--json'], env);
      expect(status, stderr).toBe(0);
      expect(stdout).toContain(String(stays.pid));
      expect(filesIn(real)).toEqual([kept, stayed].toSorted());
      expect(filesIn(real)).not.toContain(left);
    },
    120_000,
  );

  test.runIf(canContain)(
    'that two containers share keeps what is of the other, though its processes have the same numbers',
    async () => {
      const folder = folderOf('shared');
      const env = {
        XDG_RUNTIME_DIR: join(folder, 'run'),
        TMPDIR: join(folder, 'tmp'),
        EVDIAG_OUT: join(folder, 'out'),
      };
      const [first, second] = [join(folder, 'run', 'evdiag'), join(folder, 'tmp', `evdiag-${process.getuid!()}`)];
      mkdirSync(env.XDG_RUNTIME_DIR);
      mkdirSync(env.TMPDIR);
      start(env, ['unshare', ...CONTAINER]);
      await eventually(() => filesIn(first).includes('1.sock'));
      const snapshot = snapshotOf(1, first);
      // What a process of a third container has left, and the next one to clean up removes.
      const leaves = start({ ...env }, []);
      await eventually(() => filesIn(first).includes(`${leaves.pid}.sock`));
      leaves.kill('SIGKILL');
      start(env, ['unshare', ...CONTAINER]);
      await eventually(() => filesIn(second).includes('1.sock'));
      await eventually(() => !filesIn(first).includes(`${leaves.pid}.sock`));
      expect(filesIn(first)).toEqual([snapshot, '1.sock']);
      for (const where of [first, second]) expect(await isListening(join(where, '1.sock'), connect)).toBe(true);
    },
    180_000,
  );
});
