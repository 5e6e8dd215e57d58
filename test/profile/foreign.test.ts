import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { inputProfile } from '../../src/cli/profile/profile-input.ts';
import { tableOf } from '../../src/profile/table.ts';
import type { Profile } from '../../src/profile/types.ts';
import { stacksOf } from '../support/profile.ts';
import { tempFolder } from '../support/recording.ts';
import { ROOT } from '../support/run-agent.ts';

const NODE = process.env.EVDIAG_TEST_NODE ?? process.execPath;
const FIXTURES = join(ROOT, 'test/fixtures');

const rowsOf = (profile: Profile) => tableOf(profile, 'function').rows;
const rowOf = (profile: Profile, name: string) => rowsOf(profile).find((row) => row.name === name);

/** A file of that content, read. */
function read(content: unknown, name = 'ticks.json'): Profile {
  const folder = tempFolder({ [name]: typeof content === 'string' ? content : JSON.stringify(content) });
  return inputProfile(folder);
}

describe('what 0x and clinic flame leave', () => {
  test.each([
    ['0x', '28194.0x', 'us'],
    ['clinic-flame', '28073.clinic-flame-samples', 'samples'],
  ])('%s: the functions of the program, what they called, and idle time', (folder, title, unit) => {
    const profile = inputProfile(join(FIXTURES, folder));
    expect(profile).toMatchObject({ title, unit, kind: 'cpu' });
    const [hottest] = rowsOf(profile);
    expect(hottest).toMatchObject({ name: 'RegExp: ^(a+)+$', category: 'native' });
    expect(rowOf(profile, 'isPlain')).toMatchObject({
      category: 'application',
      location: { file: '/tmp/app/server.cjs', line: 4 },
    });
    expect(rowOf(profile, 'isPlain')!.total).toBeGreaterThanOrEqual(hottest!.self);
    expect(rowOf(profile, 'listOnTimeout')).toMatchObject({ category: 'node' });
    expect(inputProfile(join(FIXTURES, folder), { category: ['application'] }).threads[0]!.self.some(Boolean)).toBe(
      true,
    );
  });

  test('times of V8’s log: a part of it', () => {
    const at = join(FIXTURES, '0x');
    const [whole, part] = [inputProfile(at), inputProfile(at, { to: 0.5 })];
    expect(part.threads[0]!.samples!.node.length).toBeLessThan(whole.threads[0]!.samples!.node.length);
    expect(part.threads[0]!.taken!.spanUs).toBe(500_000);
  });
});

test('V8’s log of this Node, processed', () => {
  const folder = tempFolder({
    'my app.js':
      'const end = Date.now() + 300; function hot() { let s = 0; for (let i = 0; i < 1e6; i++) s += Math.sqrt(i) % 7; return s; } while (Date.now() < end) hot();',
  });
  execFileSync(NODE, ['--prof', '--no-logfile-per-isolate', '--logfile=isolate-v8.log', 'my app.js'], { cwd: folder });
  expect(() => inputProfile(folder)).toThrow(/Its V8 log is not processed yet: run "node --prof-process/);
  expect(() => inputProfile(join(folder, 'isolate-v8.log'))).toThrow(/an unprocessed V8 log/);
  const text = execFileSync(NODE, ['--prof-process', '--preprocess', 'isolate-v8.log'], {
    cwd: folder,
    maxBuffer: 1e9,
  });
  writeFileSync(join(folder, 'isolate-v8.log.json'), text);
  const profile = inputProfile(folder);
  const { all } = tableOf(profile, 'function');
  const hot = rowOf(profile, 'hot');
  expect(hot).toMatchObject({ category: 'application', location: { file: join(folder, 'my app.js'), line: 1 } });
  expect(hot!.total / all).toBeGreaterThan(0.3);
});

describe('names as 0x has them', () => {
  const js = (name: string) => ({ name, type: 'JS', kind: 'Opt' });
  test('functions without a name, with spaces, modules, packages, symbols; what 0x adds is left out', () => {
    const profile = read([
      [
        js(' /srv/a b/c.js:3:4'),
        js('get size /srv/a b/c.js:5:6'),
        { name: 'Ldar', type: 'CODE', kind: 'BytecodeHandler' },
      ],
      [js('f file:///srv/m.mjs:1:2'), js('g C:\\srv\\x.js:7:8')],
      [js('h /srv/node_modules/p/i.js:9:1'), { name: 'memcpy@@GLIBC_2.2.5', type: 'CPP' }],
      [js(' /srv/node_modules/0x/lib/preload/soft-exit.js:1:1')],
      [{ name: 'epoll_pwait@@GLIBC_2.6', type: 'CPP' }],
      [],
    ]);
    expect(stacksOf(profile.threads[0]!)).toEqual({
      'get size': 1,
      'f;g': 1,
      'h;memcpy': 1,
      '(program)': 2,
      '(idle)': 1,
    });
    expect(rowOf(profile, 'get size')).toMatchObject({ location: { file: '/srv/a b/c.js', line: 5, column: 6 } });
    expect(rowOf(profile, 'f')).toMatchObject({ location: { file: '/srv/m.mjs', line: 1 } });
    expect(rowOf(profile, 'h')).toMatchObject({ category: 'dependency' });
  });
});

describe('damaged and hostile', () => {
  test.each([
    ['[[{"name":"a"}', 'it is cut off, or not JSON'],
    ['[]', 'it has no samples'],
    ['[1]', 'a stack is not a list'],
    ['[["a"]]', 'a frame is not an object'],
    ['{"code":[],"ticks":[]}', 'it has no samples'],
    ['{"schema":"evdiag-dump/1","threads":[]}', 'it has no threads'],
    ['{"code":{},"ticks":[]}', '"code" is not a list'],
    ['{"code":[],"ticks":[{"s":7}]}', 'the stack of a tick is not a list'],
  ])('%s', (text, words) => {
    expect(() => read(text)).toThrow(words);
  });

  test('numbers that are none, codes that are not there, times that go back', () => {
    const ticks = [
      { tm: 1000, vm: 0, s: [0, 1, 99, 1, -1, 5, 'x', null] },
      { tm: 'x', vm: 'y', s: [0] },
      { tm: 900, vm: 1, s: [] },
      { tm: 1e99, vm: 8, s: [0, 0] },
    ];
    const code = [{ name: { a: 1 }, type: 'JS' }];
    const profile = read({ code, ticks });
    expect(profile.threads[0]!.samples!.node).toHaveLength(5);
    for (const weight of profile.threads[0]!.samples!.weight) expect(weight).toBeGreaterThanOrEqual(0);
  });

  test('each fixture cut off anywhere says one sentence', () => {
    for (const folder of ['0x/28194.0x', 'clinic-flame/28073.clinic-flame']) {
      const name = readdirSync(join(FIXTURES, folder)).find((one) => /samples$|log\.json$/.test(one))!;
      const text = readFileSync(join(FIXTURES, folder, name), 'utf8');
      for (const share of [0.01, 0.3, 0.7, 0.999]) {
        expect(() => read(text.slice(0, share * text.length), name)).toThrow(
          /is not a readable profile: it is cut off/,
        );
      }
    }
  });

  test('a folder without a profile says where there is one', () => {
    expect(() => inputProfile(join(FIXTURES, 'clinic-doctor'))).toThrow(
      /clinic doctor takes no profiles: "evdiag report /,
    );
    expect(() => inputProfile(tempFolder({ 'flamegraph.html': '<html>' }))).toThrow(/The HTML page of 0x/);
    expect(() => inputProfile(tempFolder())).toThrow(/Take one with "evdiag profile PID"/);
  });
});
