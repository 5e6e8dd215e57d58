import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { candidateFolders } from '../../src/util/run-folder.ts';
import { evdiag } from '../support/dump.ts';
import { ROOT, TEST_NODE } from '../support/run-agent.ts';
import { eventually } from '../support/unprepared.ts';

const CONTAINER = ['--mount', '--net', '--pid', '--fork', '--mount-proc'];
const isRoot = process.getuid?.() === 0;
/** Whether namespaces may be made here. */
const isPermitted = isRoot && spawnSync('unshare', [...CONTAINER, 'true']).status === 0;

const PROGRAM = `
globalThis.waiting = [];
async function handler() { await new Promise((resolve) => waiting.push(resolve)); }
handler();
require('node:http').createServer((request, response) => response.end('ok')).listen(0, () => console.log('ready'));
`;

interface Contained {
  /** As the host sees it. */
  pid: number;
  end(): void;
}

/** A program in namespaces of its own, where `setUp` has been done: shell commands. `as`: what runs it. */
async function contain(setUp: string, as = ''): Promise<Contained> {
  const folder = mkdtempSync('/var/tmp/evdiag-test-');
  const file = join(folder, 'app.cjs');
  writeFileSync(file, PROGRAM, { mode: 0o644 });
  spawnSync('chmod', ['755', folder]);
  const script = `ip link set lo up; ${setUp} cd ${folder}; exec ${as} "$0" --inspect-port=0 ${file}`;
  const child = spawn('unshare', [...CONTAINER, 'sh', '-c', script, TEST_NODE], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (part) => {
      text += part;
    });
  }
  await eventually(() => text.includes('ready') || child.exitCode !== null);
  const pid = childOf(child);
  return {
    pid,
    end() {
      if (pid > 0) process.kill(pid, 'SIGKILL');
      child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function childOf({ pid }: ChildProcess): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ')[0]);
}

/** What the agent and evdiag have left in the folders of sockets. */
function leftIn(pid: number): string[] {
  return candidateFolders(pid).flatMap((folder) => (existsSync(folder) ? readdirSync(folder) : []));
}

/** Each runs several commands. */
const TEST_MS = 180_000;

describe.runIf(isPermitted)('a process in a container', { timeout: TEST_MS }, () => {
  test.each([
    ['with a /tmp of its own, where evdiag is not installed', 'mount -t tmpfs tmpfs /tmp;', ''],
    ['without a /tmp that can be written', 'mount -t tmpfs -o ro tmpfs /tmp;', ''],
    [
      'of another user',
      'mount -t tmpfs -o mode=1777 tmpfs /tmp;',
      'setpriv --reuid=65534 --regid=65534 --clear-groups',
    ],
  ])('%s is attached to from outside, dumped, and left', async (_, setUp, as) => {
    const { pid, end } = await contain(setUp, as);
    try {
      const before = leftIn(pid);
      const dump = await evdiag(['dump', String(pid), '--attach', '--yes', '--json']);
      expect(dump.status, dump.stderr).toBe(0);
      const { pid: told, threads } = JSON.parse(dump.stdout);
      expect(told).toBe(pid);
      expect(JSON.stringify(threads[0].suspended)).toContain('handler');
      expect(leftIn(pid)).toEqual(before);

      const attached = await evdiag(['attach', String(pid), '--no-record', '--json']);
      expect(attached.status, attached.stderr).toBe(0);
      const listed = async () => {
        const { processes } = JSON.parse((await evdiag(['ps', '--json'])).stdout);
        return (processes as Record<string, unknown>[]).find((one) => one.pid === pid);
      };
      // It lists whom it has no answer of in time, on a busy machine, as without the agent.
      await expect.poll(listed, { timeout: 60_000 }).toMatchObject({ state: 'agent', container: expect.any(String) });
      const profile = await evdiag([
        'profile',
        String(pid),
        '-d',
        '0.2',
        '--json',
        '-o',
        '/dev/null',
        '--format',
        'cpuprofile',
      ]);
      expect(profile.status, profile.stderr).toBe(0);
      expect((await evdiag(['detach', String(pid)])).status).toBe(0);
      expect(leftIn(pid)).toEqual(before);
    } finally {
      end();
    }
  });

  test('is reached from inside, by the number that it has there', async () => {
    const { pid, end } = await contain('');
    try {
      const inside = ['--target', String(pid), '--mount', '--pid', '--net', process.execPath];
      const status = await new Promise<string>((resolve) => {
        const words = [...inside, join(ROOT, 'bin/evdiag.mjs'), 'dump', '1', '--attach', '--quick', '--yes', '--json'];
        execFile('nsenter', words, { env: { PATH: process.env.PATH }, timeout: 150_000 }, (error, stdout, stderr) =>
          resolve(error ? stderr : stdout),
        );
      });
      expect(JSON.parse(status)).toMatchObject({ pid: 1 });
    } finally {
      end();
    }
  });
});
