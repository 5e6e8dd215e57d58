import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { evdiag } from '../support/dump.ts';
import { AGENT_CJS, inLab, ROOT, TEST_NODE } from '../support/run-agent.ts';

const BUSY = `
function work() { let sum = 0; const end = Date.now() + 5; while (Date.now() < end) sum += Math.sqrt(sum + 1); return sum; }
setInterval(work, 8);
`;

const APART = ['--mount', '--pid', '--fork', '--mount-proc'];
const isPermitted = process.getuid?.() === 0 && spawnSync('unshare', [...APART, 'true']).status === 0;

/** In namespaces of their own: other processes of this machine are not to be asked. `$1` is Node, `$2` evdiag, `$3` the agent. */
const SCRIPT = `
set -e
sockets=/tmp/evdiag-$(id -u)
mkdir -p -m 700 $sockets
mount -t tmpfs -o mode=700 tmpfs $sockets
mount -t tmpfs tmpfs /dev/shm
"$1" -r "$3" busy.cjs &
"$1" -r "$3" busy.cjs &
while [ $(ls $sockets | grep -c 'sock$') -lt 2 ]; do sleep 0.05; done
"$2" dump --all --quick --yes --json > dumps.json
"$2" record --all -d 0.5 -o all.cpuprofile --json > profile.json
kill %1 %2
`;

test.runIf(isPermitted)(
  '--all: a dump of each process, and one profile of all with their threads merged by name',
  inLab(async (lab) => {
    lab.file('busy.cjs', BUSY);
    const node = process.execPath;
    const run = spawnSync(
      'unshare',
      [...APART, 'bash', '-c', SCRIPT, 'sh', TEST_NODE, join(ROOT, 'bin/evdiag.mjs'), AGENT_CJS],
      {
        cwd: lab.folder,
        env: { PATH: `${dirname(node)}:${process.env.PATH}`, EVDIAG_OUT: lab.out, EVDIAG_QUIET: '1' },
        encoding: 'utf8',
        timeout: 150_000,
      },
    );
    expect(run.status, run.stderr).toBe(0);
    const read = (name: string) => JSON.parse(readFileSync(join(lab.folder, name), 'utf8'));
    const { schema, dumps, problems } = read('dumps.json');
    expect([schema, dumps.length, problems]).toEqual(['evdiag-dumps/1', 2, []]);
    const { processes, missed, threads } = read('profile.json');
    expect([processes, missed, threads.map(({ name }: { name: string }) => name)]).toEqual([2, [], ['main thread']]);
    const stats = await evdiag(['stats', join(lab.folder, 'all.cpuprofile')]);
    expect(stats.stdout).toContain('work');
  }),
);

test.each([['dump'], ['dump', '4711', '--all'], ['profile'], ['record', '4711', '--all']])(
  'bad usage: %s %s %s',
  async (...words) => {
    const run = await evdiag(words.filter((word) => word !== undefined));
    expect([run.status, run.stdout]).toEqual([2, '']);
    expect(run.stderr).toMatch(/^evdiag: [A-Z].*\n$/);
  },
);
