import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mechanisms } from '../../src/cli/selftest/mechanisms.ts';
import { selftestText } from '../../src/cli/selftest/text.ts';
import { painter } from '../../src/util/terminal.ts';

const EVDIAG = new URL('../../bin/evdiag.mjs', import.meta.url).pathname;

test('each known fault is seen here, and nothing is left behind', { timeout: 180_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'evdiag-test-'));
  try {
    const env = { ...process.env, TMPDIR: folder, XDG_RUNTIME_DIR: '' };
    const { stdout, stderr, status } = spawnSync(process.execPath, [EVDIAG, 'selftest', '--json'], {
      env,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    const { schema, checks } = JSON.parse(stdout);
    expect(schema).toBe('evdiag-selftest/1');
    const broken = checks.filter(({ state }: { state: string }) => state === 'fails');
    expect(broken).toEqual([]);
    expect(status).toBe(0);
    expect(checks.map(({ id }: { id: string }) => id)).toEqual([
      'deadlock',
      'lost-task',
      'leak',
      'stall',
      'native-call',
      'dump',
      'host-contention',
    ]);
    expect(readdirSync(folder).filter((name) => name.startsWith('evdiag-selftest'))).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.each(['selftest', 'scenario sync-io'])(
  '%s without a place for temporary files: a sentence, exit code 2',
  (words) => {
    const env = { ...process.env, TMPDIR: '/nonexistent/folder' };
    const { stderr, stdout, status } = spawnSync(process.execPath, [EVDIAG, ...words.split(' ')], {
      env,
      encoding: 'utf8',
    });
    expect([stdout, status]).toEqual(['', 2]);
    expect(stderr).toBe(
      'evdiag: Temporary files cannot be written to "/nonexistent/folder" (ENOENT). Set TMPDIR to a folder that can.\n',
    );
  },
);

test('mechanisms are asked of this Node.js', () => {
  const there = Object.fromEntries(mechanisms().map(({ id, isThere }) => [id, isThere]));
  const major = Number(process.versions.node.split('.')[0]);
  expect(there).toMatchObject({
    inspector: true,
    'promise-hooks': true,
    'run-queue': existsSync('/proc/self/schedstat'),
    'async-context-frame': major >= 24,
  });
  const without = execFileSync(
    process.execPath,
    ['--input-type=module', '-e', "console.log(typeof (await import('node:module')).registerHooks === 'function')"],
    { encoding: 'utf8' },
  );
  expect(there['loader-hooks']).toBe(without.trim() === 'true');
});

test('the text fits the terminal, names what fails, and has a paragraph to paste', () => {
  const text = selftestText(
    {
      schema: 'evdiag-selftest/1',
      ...{ evdiag: '1.0.0', node: '20.11.0', v8: '11', platform: 'linux x64', kernel: '6', cores: 2 },
      ...{ container: true, seconds: 12 },
      checks: [
        { id: 'stall', title: 'a blocked event loop', state: 'works', detail: 'at a.js:1' },
        { id: 'leak', title: 'timers', state: 'fails', detail: 'nothing was found \x1b[2J' },
      ],
      mechanisms: [{ id: 'inspector', isThere: false, without: 'no stacks' }],
    },
    { paint: painter(false), width: 80 },
  );
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  expect(text).not.toContain('\x1b');
  expect(text).toMatch(/ok +stall +a blocked event loop: at a\.js:1\n +FAILS +leak/);
  expect(text).toMatch(/no +inspector +no stacks/);
  expect(text.replace(/\s+/g, ' ')).toContain('Works: stall. Fails: leak. Not shown: none. Lacks: inspector.');
});
