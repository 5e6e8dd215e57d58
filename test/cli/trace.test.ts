import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../support/run-agent.ts';
import { sickFolder } from '../support/sick-recording.ts';

/** Runs it in a folder with a recording. */
function prepared() {
  const folder = sickFolder();
  const bin = join(ROOT, 'bin/evdiag.mjs');
  const evdiag = (...args: string[]) =>
    spawnSync(process.execPath, [bin, 'trace', ...args], { encoding: 'utf8', cwd: folder });
  return { folder, evdiag };
}

test('writes a file that is its owner’s alone, and says what to open it with', () => {
  const { folder, evdiag } = prepared();
  const { status, stderr, stdout } = evdiag('out');
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
  const file = /evdiag: (trace-\d+\.json): \d+ events, .*ui\.perfetto\.dev/.exec(stderr)?.[1];
  const path = join(folder, file ?? 'missing');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const { traceEvents } = JSON.parse(readFileSync(path, 'utf8'));
  expect(traceEvents.some(({ cat, name }: { cat: string; name: string }) => cat === 'finding' && name)).toBe(true);
  // The first one stays.
  expect(JSON.parse(evdiag('out', '--json').stdout)).toMatchObject({ file: file!.replace('.json', '-2.json') });
  expect(evdiag('out', '-o', file!)).toMatchObject({ status: 0 });
});

test('- is stdout', () => {
  const { stdout, stderr } = prepared().evdiag('out', '-o', '-');
  expect(JSON.parse(stdout).traceEvents.length).toBeGreaterThan(20);
  expect(stderr).toBe('');
});

test.each([
  [['nowhere'], 'nowhere'],
  [['out', '-o', '/no/such/folder/x.json'], 'cannot be written'],
  [['out', '--max-events', '3'], 'from 1000 to'],
])('%j is one sentence and exit code 2', (args, words) => {
  const { status, stdout, stderr } = prepared().evdiag(...args);
  expect({ status, stdout, lines: stderr.trimEnd().split('\n').length }).toEqual({ status: 2, stdout: '', lines: 1 });
  expect(stderr).toContain(words);
});
