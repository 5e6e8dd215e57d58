import { execFileSync, spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { noBrowser } from '../support/browser.ts';
import { inMemoryPanel } from '../support/devtools.ts';
import { inLab, type Lab, ROOT } from '../support/run-agent.ts';

const noGo = spawnSync('go', ['version']).status !== 0;
if (noGo) console.warn('No go is found: the test of go tool pprof is skipped. apt-get install golang-go');

const CLI = join(ROOT, 'bin/evdiag.mjs');
const APP = `
const kept = [], latest = [];
function remember() { for (let i = 0; i < 200; i++) kept.push({ i, name: 'kept ' + i, tags: [i, i + 1] }); }
function waste() { for (let i = 0; i < 4000; i++) latest[i % 50] = { i, text: 'waste ' + i, tags: [i, i + 1] }; }
setInterval(remember, 5);
setInterval(waste, 5);
console.log('ready');
`;

const evdiag = (...args: string[]) => spawnSync(process.execPath, [CLI, ...args], { encoding: 'utf8' });

/** A running program, and how to record it into a file of the lab. */
const recording = (use: (record: (name: string, ...options: string[]) => string, lab: Lab) => Promise<void>) =>
  inLab(async (lab) => {
    const program = lab.start(lab.file('app.cjs', APP), { env: { EVDIAG_QUIET: '1' }, hangMs: 290_000 });
    await program.until('stdout', 'ready');
    await program.watched();
    try {
      await use((name, ...options) => {
        const file = join(lab.folder, name);
        const all = ['profile', String(program.pid), '--allocations', '-d', '0.8', '-o', file, ...options];
        expect(evdiag(...all)).toMatchObject({ status: 0, stdout: '' });
        return file;
      }, lab);
    } finally {
      program.kill('SIGKILL');
      await program.ended;
    }
  });

test(
  'all that is allocated, and what stays: told, compared, and readable by its owner only',
  recording(async (record) => {
    const all = record('all.heapprofile');
    const live = record('live.heapprofile', '--live');
    expect(statSync(all).mode & 0o777).toBe(0o600);
    const top = (file: string) => evdiag('stats', file).stdout.split('\n')[3];
    expect(top(all)).toMatch(/ waste {2}/);
    expect(top(live)).toMatch(/ remember {2}/);
    expect(evdiag('diff', live, record('later.heapprofile', '--live')).status).toBe(0);
  }),
);

test.skipIf(noBrowser)(
  'DevTools opens it',
  recording(async (record) => {
    await inMemoryPanel(record('app.heapprofile'), async (page) => {
      await page.getByText('waste', { exact: true }).first().waitFor();
    });
  }),
  300_000,
);

test.skipIf(noGo)(
  'go tool pprof reads it',
  recording(async (record) => {
    const text = execFileSync('go', ['tool', 'pprof', '-top', record('app.pb.gz')], { encoding: 'utf8' });
    expect(text).toMatch(/^Type: alloc_space$/m);
    expect(text).toMatch(/% {2}waste$/m);
    const live = execFileSync('go', ['tool', 'pprof', '-top', record('live.pb.gz', '--live')], { encoding: 'utf8' });
    expect(live).toMatch(/^Type: inuse_space$/m);
  }),
);

test('bad usage, and a process that is not there', () => {
  expect(evdiag('profile', '1', '--live')).toMatchObject({
    status: 2,
    stderr: 'evdiag: Add --allocations: --live needs it.\n',
  });
  expect(evdiag('profile', '1', '--allocations', '--every', '5')).toMatchObject({ status: 2 });
  expect(evdiag('profile', '999999999', '--allocations').status).toBe(3);
});
