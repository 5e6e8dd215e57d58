import { spawnSync } from 'node:child_process';
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { cpuprofile } from '../../src/exporters/cpuprofile.ts';
import { heapprofile } from '../../src/exporters/heapprofile.ts';
import { noBrowser, visit } from '../support/browser.ts';
import { profileOf, threadOf } from '../support/profile.ts';
import { header, second, stall, tempFolder } from '../support/recording.ts';
import { inLab, ROOT } from '../support/run-agent.ts';

const evdiagIn = (cwd: string, ...args: string[]) =>
  spawnSync(process.execPath, [join(ROOT, 'bin/evdiag.mjs'), ...args], { encoding: 'utf8', cwd });

const thread = threadOf([
  ['handler;render', 300_000],
  ['(idle)', 400_000],
  ['handler;parse', 100_000],
]);
const faster = threadOf([
  ['handler;render', 100_000],
  ['handler;parse', 100_000],
]);
/** A folder with profiles of time, before and after, and one of bytes. */
const folder = () =>
  tempFolder({
    'before.cpuprofile': cpuprofile.write(profileOf([thread])) as string,
    'after.cpuprofile': cpuprofile.write(profileOf([faster])) as string,
    'x.heapprofile': heapprofile.write(profileOf([thread], { unit: 'bytes' })) as string,
  });

describe('stats', () => {
  test('functions by their own time, with share and place', () => {
    const { status, stdout } = evdiagIn(folder(), 'stats', 'before.cpuprofile');
    expect(status).toBe(0);
    expect(stdout.split('\n').filter((line) => line.includes('/srv'))).toEqual([
      expect.stringMatching(/75\.0 % +300 ms +75\.0 % +300 ms +render +\/srv\/app\/render\.ts:10$/),
      expect.stringMatching(/25\.0 % +100 ms +25\.0 % +100 ms +parse /),
      expect.stringMatching(/0\.0 % +0 ms +100\.0 % +400 ms +handler /),
    ]);
  });

  test('other orders and groupings, JSON, the tree, a part', () => {
    const at = folder();
    const names = (...args: string[]) =>
      JSON.parse(evdiagIn(at, 'stats', 'before.cpuprofile', '--json', ...args).stdout).rows.map(
        ({ name }: { name: string }) => name,
      );
    expect(names('--sort', 'cumtime')).toEqual(['handler', 'render', 'parse']);
    expect(names('--sort', 'name', '--rows', '2')).toEqual(['handler', 'parse']);
    expect(names('--by', 'category')).toEqual(['application']);
    expect(names('--focus', 'parse')).toEqual(['parse']);
    expect(names('--from', '0.7', '--to', '0.8')).toEqual(['parse', 'handler']);
    expect(names('--ignore', 'parse')).toEqual(['render', 'handler']);
    expect(names('--hide', 'render|parse')).toEqual(['handler']);
    expect(names('--category', 'gc,idle')).toEqual([]);
    expect(evdiagIn(at, 'stats', 'before.cpuprofile', '--tree').stdout).toMatch(
      /400 ms {2}handler .*\n.*300 ms {3}render/,
    );
  });

  test('a folder means its newest profile', () => {
    expect(evdiagIn(folder(), 'stats', '.').stdout).toMatch(/^(before|after|x)\./);
  });
});

describe('flame', () => {
  test('a page by default, other formats by the name, for its owner alone, nothing written over', () => {
    const at = folder();
    expect(evdiagIn(at, 'flame', 'before.cpuprofile').stderr).toMatch(/^evdiag: flame\.html: .*3 samples/);
    expect(statSync(join(at, 'flame.html')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(at, 'flame.html'), 'utf8')).toContain('"editor":"vscode://file/{file}:{line}"');
    evdiagIn(at, 'flame', 'before.cpuprofile', '-o', 'idea.html', '--editor', 'idea');
    expect(readFileSync(join(at, 'idea.html'), 'utf8')).toContain('"editor":"idea://open?file={file}');
    expect(evdiagIn(at, 'flame', 'before.cpuprofile').stderr).toMatch(/^evdiag: flame-2\.html/);
    for (const name of ['a.svg', 'a.speedscope.json', 'a.pb.gz', 'a.md', 'a.txt']) {
      expect(evdiagIn(at, 'flame', 'before.cpuprofile', '-o', name), name).toMatchObject({ status: 0 });
    }
    expect(readFileSync(join(at, 'a.txt'), 'utf8')).toContain('handler (/srv/app/handler.ts:10:5);render');
    expect(readFileSync(join(at, 'a.svg'), 'utf8')).toMatch(/^<svg [\s\S]*render app\/render\.ts:10[\s\S]*<\/svg>\n$/);
    expect(evdiagIn(at, 'flame', 'a.speedscope.json', '-o', '-', '--format', 'collapsed').stdout).toContain('render');
  });
});

describe('during a stall or a finding of the recording', () => {
  /** The recording began at 1000 ms of the clock, the profile at `atMs`: render 300 ms, idle 400 ms, parse 100 ms. */
  function timed(atMs: number, origin = { pid: 100, threadId: 0 }) {
    const at = { ...thread, origin: { startUs: atMs * 1000, ...origin } };
    const rows = [
      header,
      ...second(1000),
      stall({ id: 1, startMs: 1000, durationMs: 300 }),
      stall({ id: 2, startMs: 1680, durationMs: 320, kind: 'json', waiting: 0 }),
      ...second(2000),
      { t: 4000, type: 'end', reason: 'exit', exitCode: 0, signal: null },
    ];
    return tempFolder({
      'a.cpuprofile': cpuprofile.write(profileOf([at])) as string,
      '.evdiag/20260102-030405-100/main-100/recording.ndjson': rows.map((row) => `${JSON.stringify(row)}\n`).join(''),
    });
  }
  const cutBy = (folder: string, ...args: string[]) => {
    const { status, stdout, stderr } = evdiagIn(folder, 'stats', 'a.cpuprofile', '--json', ...args);
    const rows = status === 0 ? (JSON.parse(stdout).rows as { name: string; self: number }[]) : [];
    return { status, stderr, self: Object.fromEntries(rows.map(({ name, self }) => [name, self])) };
  };

  test('the longest one in the profile, the last one, one by its number', () => {
    const folder = timed(2000);
    expect(cutBy(folder, '--stall', 'longest')).toMatchObject({
      self: { render: 300_000 },
      stderr: 'evdiag: stall 1 of 2: 300 ms at 1 s, sync-fs handler /srv/app.js:12.\n',
    });
    for (const which of ['last', '2'])
      expect(cutBy(folder, '--stall', which)).toMatchObject({
        self: { parse: 100_000 },
        stderr: expect.stringMatching(/stall 2 of 2: 320 ms .* of which 120 ms are in the profile\.\n$/),
      });
  });

  test('beside its recording; of several the one that has it; of Node’s --cpu-prof by its name', () => {
    const folder = timed(2000);
    const main = join(folder, '.evdiag/20260102-030405-100/main-100');
    const later = { ...faster, origin: { startUs: 2_690_000, pid: null, threadId: null } };
    renameSync(join(folder, 'a.cpuprofile'), join(main, 'a.cpuprofile'));
    writeFileSync(join(main, 'later.cpuprofile'), cpuprofile.write(profileOf([later])));
    const during = (input: string, which: string) =>
      evdiagIn(folder, 'stats', input, '--stall', which).stdout.split(' ')[0];
    expect(during(main, '1')).toBe('a.cpuprofile');
    expect(during(main, '2')).toBe('later.cpuprofile');
    expect(during('.evdiag', 'longest')).toBe('a.cpuprofile');
    expect(during(join(main, '..'), 'last')).toBe('later.cpuprofile');
    const named = 'CPU.20260102.030406.100.0.001.cpuprofile';
    renameSync(join(main, 'later.cpuprofile'), join(folder, named));
    expect(during(named, '2')).toBe(named);
  });

  test('a finding by its rule or number: the times of its stalls', () => {
    const folder = timed(2000);
    expect(cutBy(folder, '--finding', 'blocked-event-loop').self).toMatchObject({ render: 300_000 });
    expect(cutBy(folder, '--finding', '2').self).toMatchObject({ parse: 100_000 });
  });

  test.each([
    [
      'a profile of another time',
      () => timed(90_000),
      ['--stall', '1'],
      'No recording of process 100 from the time of',
    ],
    ['of a later time', () => timed(2500), ['--stall', '1'], 'Stall 1 is not in the profile, which has 1.5 s to 2.3 s'],
    [
      'of another thread',
      () => timed(2000, { pid: 100, threadId: 3 }),
      ['--stall', '1'],
      'No recording of process 100',
    ],
    [
      'of another process',
      () => timed(2000, { pid: 4, threadId: 0 }),
      ['--stall', '1', '--recording', '.evdiag'],
      'is not of that thread of process 4',
    ],
    [
      'a wrong number',
      () => timed(2000),
      ['--stall', '9'],
      'a number up to 2. In the profile: 1 (300 ms at 1 s, sync-fs',
    ],
    ['a wrong rule', () => timed(2000), ['--finding', 'nope'], 'which has 1 (blocked-event-loop'],
    ['no clock', () => folder(), ['--stall', '1'], 'does not say when it was taken'],
    ['no stall', () => folder(), ['--recording', 'x'], '--recording goes with --stall or --finding'],
  ])('%s', (_name, make, args, words) => {
    const at = make();
    const input = words.includes('does not')
      ? 'after.cpuprofile'
      : args[0] === '--recording'
        ? 'x.heapprofile'
        : 'a.cpuprofile';
    const { status, stderr } = evdiagIn(at, 'stats', input, ...args);
    expect(stderr).toContain(words);
    expect(status).toBe(2);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});

test.skipIf(noBrowser)('flame --viewer speedscope opens it with the profile', async () => {
  const at = folder();
  // In place of the desktop's opener, one that writes down what it was given.
  writeFileSync(join(at, 'xdg-open'), '#!/bin/sh\nprintf %s "$1" > "$(dirname "$0")/opened"\n', { mode: 0o700 });
  const PATH = `${at}:${process.env.PATH}`;
  const args = [join(ROOT, 'bin/evdiag.mjs'), 'flame', 'before.cpuprofile', '--viewer', 'speedscope'];
  expect(spawnSync(process.execPath, args, { cwd: at, env: { ...process.env, PATH } }).status).toBe(0);
  await expect.poll(() => readFileSync(join(at, 'opened'), 'utf8')).toMatch(/open\.html$/);
  const page = readFileSync(join(at, 'opened'), 'utf8');
  try {
    await visit(pathToFileURL(page).href, async ({ page }) => {
      await page.getByText('Sandwich').click();
      await expect.poll(() => page.locator('body').innerText()).toMatch(/render/);
    });
  } finally {
    rmSync(dirname(page), { recursive: true, force: true });
  }
});

test('diff: what grew, what shrank, as shares or as they are', () => {
  const at = folder();
  const { stdout } = evdiagIn(at, 'diff', 'before.cpuprofile', 'after.cpuprofile');
  expect(stdout).toMatch(/−25\.0 % +75\.0 % +50\.0 % +render/);
  expect(stdout).toMatch(/\+25\.0 % +25\.0 % +50\.0 % +parse/);
  expect(evdiagIn(at, 'diff', 'before.cpuprofile', 'after.cpuprofile', '--absolute').stdout).toMatch(
    /−200 ms +300 ms +100 ms +render/,
  );
});

test('diff: a caution where there are few samples, in the text, in JSON and in the picture', () => {
  const at = folder();
  const words = '2 samples before, 2 after: by chance alone, a share differs by up to 98 % of the whole.';
  expect(evdiagIn(at, 'diff', 'before.cpuprofile', 'after.cpuprofile').stdout).toContain(`${words} Record for`);
  const json = JSON.parse(evdiagIn(at, 'diff', 'before.cpuprofile', 'after.cpuprofile', '--json').stdout);
  expect(json).toMatchObject({ samples: { before: 2, after: 2 }, caution: words });
  const { stderr } = evdiagIn(at, 'diff', 'before.cpuprofile', 'after.cpuprofile', '-o', 'diff.svg');
  expect(stderr).toContain(words);
  expect(readFileSync(join(at, 'diff.svg'), 'utf8')).toContain('2 samples before, 2 after');
});

test(
  'record: a profile of a running process, and what to do with it',
  inLab(async (lab) => {
    const program = lab.start(
      lab.file(
        'app.js',
        'function spin() { for (let n = 0, start = process.cpuUsage(); process.cpuUsage(start).user < 180e3; ) while (++n % 1e6); }\nsetInterval(spin, 250); setTimeout(() => console.log("up"), 300);',
      ),
    );
    await program.until('stdout', 'up');
    const { status, stderr } = evdiagIn(lab.folder, 'profile', String(program.pid), '-d', '1');
    expect(status, stderr).toBe(0);
    expect(stderr).toMatch(/^evdiag: \d+\.cpuprofile: .* samples in /);
    expect(stderr).toMatch(/ spin {2}.*app\.js:1$/m);
    const { stdout } = evdiagIn(lab.folder, 'stats', `${program.pid}.cpuprofile`, '--lines');
    expect(stdout).toMatch(/spin {2}.*app\.js:1\n/);
    // Both go by the same clock: the thread did nothing else in this time.
    const during = () =>
      evdiagIn(
        lab.folder,
        'stats',
        `${program.pid}.cpuprofile`,
        '--stall',
        'longest',
        '--json',
        '--recording',
        lab.out,
      );
    await expect
      .poll(() => during().stderr, { timeout: 60_000 })
      .toMatch(/^evdiag: stall \d+ of \d+: .* spin .*app\.js:1/);
    const { rows, all } = JSON.parse(during().stdout) as { rows: { name: string; self: number }[]; all: number };
    expect(rows[0]).toMatchObject({ name: 'spin' });
    expect(rows[0]!.self / all, JSON.stringify(rows)).toBeGreaterThan(0.7);
    expect(evdiagIn(lab.folder, 'record', String(program.pid), '-d', '0.2', '--thread', 'worker')).toMatchObject({
      status: 3,
    });
    program.kill('SIGKILL');
    await program.ended;
  }),
);

test.each([
  [['stats', 'nowhere'], 2, 'Give a profile, or take one with "evdiag profile PID".'],
  [['stats', 'empty'], 2, 'There is no profile in "empty"'],
  [['stats', 'x.heapprofile', '--from', '1'], 2, 'has no times'],
  [['stats', 'after.cpuprofile', '--thread', 'z'], 2, 'There are: main thread.'],
  [['stats', 'after.cpuprofile', '--focus', '('], 2, 'is not a regular expression'],
  [['stats', 'text'], 2, 'line 1 is not a collapsed stack'],
  [['flame', 'after.cpuprofile', '-o', 'x.bad'], 2, 'Add --format, or one of'],
  [['flame', 'after.cpuprofile', '-o', 'x.heapprofile'], 2, 'Choose cpuprofile'],
  [['flame', 'after.cpuprofile', '--focus', 'nothing'], 2, 'has no samples, or none in the part that was asked for.'],
  [['flame', 'before.cpuprofile', '--category', 'idle'], 2, 'is idle all of this time'],
  [['flame', 'after.cpuprofile', '--category', 'own'], 2, 'There are application, dependency, node'],
  [['flame', 'after.cpuprofile', '--editor', 'own'], 2, 'give vscode, idea, sublime, cursor,'],
  [['stats', 'after.cpuprofile', '--hide', '('], 2, 'is not a regular expression'],
  [['diff', 'after.cpuprofile', 'x.heapprofile'], 2, 'are of different kinds'],
  [['profile', '999999999'], 3, 'There is no process'],
  [['record', 'app'], 2, 'is not a process ID'],
] as const)('%j: exit code %i, one sentence', (args, status, words) => {
  const at = folder();
  writeFileSync(join(at, 'text'), 'just words');
  spawnSync('mkdir', [join(at, 'empty')]);
  const result = evdiagIn(at, ...args);
  expect(result).toMatchObject({ status, stdout: '', stderr: expect.stringContaining(words) });
  expect(result.stderr.trimEnd().split('\n')).toHaveLength(1);
});
