import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rowsOf } from '../../src/recording/types.ts';
import { complaints, filesUnder, inLab, SPIN } from '../support/run-agent.ts';

const PROGRAM = `
${SPIN}
setTimeout(() => { spin(150); console.log('done'); }, 200);
`;

/** Eight recursive functions with long names. */
const WAYS = Array.from({ length: 8 }, (_, n) => `way${n}${'x'.repeat(180)}`);

/** Stalls of deep and differing stacks: each is a row of some 90 kB. */
const manyStalls = (count: number): string => `
${SPIN}
${WAYS.map((way) => `function ${way}(depth) { return depth === 0 ? spin(25) : ${way}(depth - 1); }`).join('\n')}
let left = ${count};
const next = () => {
  for (const way of [${WAYS.slice(0, 6).join(', ')}]) way(80);
  if (--left > 0) setTimeout(next, 60);
  else console.log('done');
};
setTimeout(next, 200);
`;
const SOON = { EVDIAG_SLOW_MS: '20' };
const tmpfsWhy = tmpfsProblem();

/** Why a small file system cannot be mounted here; null where it can. */
function tmpfsProblem(): string | null {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root to mount a tmpfs';
  const folder = mkdtempSync(join(tmpdir(), 'evdiag-mount-'));
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { encoding: 'utf8' });
  if (mount.status === 0) execFileSync('umount', ['-l', folder]);
  rmdirSync(folder);
  return mount.status === 0 ? null : `mount does not work here: ${(mount.stderr || String(mount.error)).trim()}`;
}

describe('a folder that cannot be written', () => {
  it(
    'is one line, and the host is unharmed',
    inLab(async (lab) => {
      const out = lab.file('in-the-way', 'a file');
      const run = await lab.expectSame(lab.file('app.js', PROGRAM), { env: { EVDIAG_OUT: out } });
      const said = complaints(run);
      expect(said).toHaveLength(1);
      expect(said[0]).toMatch(/^no recording: .*in-the-way.* cannot be written \((ENOTDIR|EEXIST)\); set EVDIAG_OUT/);
      expect(readFileSync(out, 'utf8')).toBe('a file');
      expect(run.said.join('\n')).toContain('without a recording');
    }),
  );

  it(
    'that goes away while the program runs: no descriptor of the host is touched',
    inLab(async (lab) => {
      const text = `
const fs = require('node:fs');
setTimeout(() => fs.rmSync(process.env.EVDIAG_OUT, { recursive: true, force: true }), 300);
// Takes every descriptor number that anybody closes.
const own = [];
setInterval(() => {
  const path = __filename + '.' + process.pid + '.' + own.length;
  own.push({ path, file: fs.openSync(path, 'w') });
}, 5).unref();
process.on('exit', () => {
  const intact = ({ path, file }) => {
    try {
      fs.writeSync(file, 'own');
      return fs.readFileSync(path, 'utf8') === 'own';
    } catch {
      return false;
    }
  };
  console.log('descriptors lost:', own.filter((each) => !intact(each)).length);
});
${manyStalls(20)}`;
      const run = await lab.expectSame(lab.file('app.js', text), { env: { ...SOON, EVDIAG_MAX_MB: '1' } });
      expect(run.stdout).toBe('done\ndescriptors lost: 0\n');
    }),
  );
});

it.skipIf(tmpfsWhy !== null)(
  `a full disk: one line, the recording stays readable, the host is unharmed${tmpfsWhy ? ` (${tmpfsWhy})` : ''}`,
  inLab(async (lab) => {
    mkdirSync(lab.out);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', lab.out]);
    lab.file('out/others.txt', 'x'.repeat(800_000));
    try {
      const run = await lab.expectSame(lab.file('app.js', manyStalls(20)), { env: { ...SOON, EVDIAG_MAX_MB: '1000' } });
      expect(run.stdout).toBe('done\n');
      const problems = run.said.filter((line) => line.startsWith('the recording cannot be written (ENOSPC'));
      expect(problems).toHaveLength(1);
      expect(rowsOf(lab.recording(), 'stall').length).toBeGreaterThan(0);
      expect(run.said.join('\n')).toContain('could not be written');
    } finally {
      execFileSync('umount', ['-l', lab.out]);
    }
  }),
);

it(
  'EVDIAG_MAX_MB bounds the recording, and the reader counts the rows that went away',
  inLab(async (lab) => {
    await lab.expectSame(lab.file('app.js', manyStalls(20)), { env: { ...SOON, EVDIAG_MAX_MB: '1' } });
    const files = filesUnder(lab.out).filter((file) => file.endsWith('.ndjson'));
    expect(files).toHaveLength(2);
    const bytes = files.reduce((sum, file) => sum + statSync(join(lab.out, file)).size, 0);
    expect(bytes).toBeLessThan(1e6);
    const recording = lab.recording();
    expect(recording.droppedRows).toBeGreaterThan(0);
    expect(recording).toMatchObject({ truncated: false, skippedLines: 0 });
    expect(recording.rows.at(-1)?.type).toBe('end');
  }),
);

describe.skipIf(process.platform !== 'linux')('descriptors', () => {
  it(
    'that run out for a moment leave a gap, and no sampler is switched off',
    inLab(async (lab) => {
      const text = `
const fs = require('node:fs');
const taken = [];
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
(async () => {
  const { EVDIAG_FAMILY: family } = process.env;
  while (family && !fs.existsSync(family + '/main-' + process.pid + '/recording.ndjson')) await pause(20);
  await pause(300);
  try { for (;;) taken.push(fs.openSync('/dev/null')); } catch {}
  await pause(1500);
  for (const file of taken) fs.closeSync(file);
  await pause(1500);
  console.log('done');
})();`;
      await lab.expectSame(lab.file('app.js', text), { under: ['bash', '-c', 'ulimit -n 80; exec "$@"', 'bash'] });
      const recording = lab.recording();
      const off = rowsOf(recording, 'agent-error').filter(({ message }) => message.includes('switched off'));
      expect(off).toEqual([]);
      // Both are read at the same time, and a reading of memory needs a descriptor.
      expect(rowsOf(recording, 'memory').at(-1)!.t).toBeGreaterThan(rowsOf(recording, 'loop-turns').at(-2)!.t);
    }),
  );

  it(
    'that the program closes and takes are not written to, nor closed',
    inLab(async (lab) => {
      const text = `
const fs = require('node:fs');
const own = process.argv[2];
const identity = (file) => { try { const { dev, ino } = fs.fstatSync(file); return dev + ' ' + ino; } catch { return ''; } };
const files = () => fs.readdirSync('/proc/self/fd').map(Number);
const others = () => files().filter((file) => file > 2 && identity(file) === identity(2));
// Until the agent has said so.
setTimeout(function blocked() { while (others().length === 0); }, 300);
const isKernels = (file) => { try { return fs.readlinkSync('/proc/self/fd/' + file).startsWith('/proc/'); } catch { return false; } };
const opened = () => [...others(), ...files().filter(isKernels)].map((file) => file + ' ' + identity(file));
setTimeout(() => {
  const before = opened();
  setTimeout(() => {
    // Those that stay open.
    const taken = opened().filter((file) => before.includes(file)).map((one) => {
      const file = Number.parseInt(one, 10);
      fs.closeSync(file);
      return fs.openSync(own + file, 'w');
    });
    process.on('exit', () => { for (const file of taken) fs.closeSync(file); });
    console.log('took', taken.length);
  }, 100);
}, 600);`;
      const throughPipe = ['bash', '-c', 'exec "$@" 2> >(cat >&2)', 'bash'];
      const run = await lab.run(lab.file('app.js', text), { args: [join(lab.folder, 'own-')], under: throughPipe });
      expect(run).toMatchObject({ stdout: expect.stringMatching(/^took [1-9]/), exitCode: 0 });
      const written = filesUnder(lab.folder).filter(
        (name) => /^own-/.test(name) && statSync(join(lab.folder, name)).size,
      );
      expect(written).toEqual([]);
    }),
  );
});

describe('secrets', () => {
  it.skipIf(process.platform === 'win32')(
    'folders are 0700 and files 0600, whatever the umask',
    inLab(async (lab) => {
      await lab.expectSame(lab.file('app.js', `process.umask(0); ${PROGRAM}`));
      const modes = filesUnder(lab.out).map((path) => {
        const stats = statSync(join(lab.out, path));
        return `${stats.isDirectory() ? 'folder' : 'file'} ${(stats.mode & 0o777).toString(8)}`;
      });
      expect(modes).toEqual(['folder 700', 'folder 700', 'file 600']);
      expect(statSync(lab.out).mode & 0o777).toBe(0o700);
    }),
  );

  it(
    'are not in the recording',
    inLab(async (lab) => {
      const secrets = [
        '--api-token=abc123',
        '--password',
        'hunter2',
        'https://ann:letmein@host.test/a?session=s3ss10n',
      ];
      await lab.expectSame(lab.file('app.js', PROGRAM), { args: secrets, env: { SOME_SECRET: 'env1ronment' } });
      const texts = filesUnder(lab.out)
        .filter((file) => file.endsWith('.ndjson'))
        .map((file) => readFileSync(join(lab.out, file), 'utf8'));
      expect(texts).toHaveLength(1);
      for (const secret of ['abc123', 'hunter2', 'ann', 'letmein', 's3ss10n', 'env1ronment']) {
        expect(texts[0]).not.toContain(secret);
      }
      expect(lab.recording().header.argv).toContain('https://***@host.test/a?***');
    }),
  );
});
