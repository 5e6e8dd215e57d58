import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Report } from '../../src/report/types.ts';
import { cpu, header, location, ndjson, stall, tempFolder, utilization } from '../support/recording.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BIN = join(ROOT, 'bin/evdiag.mjs');
const FILE = 'recording.ndjson';
const BLOCK = 'const start = process.cpuUsage(); while (process.cpuUsage(start).user < 600_000);';
/** Blocks its loop once it has started up, then ends. */
const SICK = `setTimeout(() => { ${BLOCK} }, 300); setTimeout(() => console.log('done'), 1200);`;

function evdiag(args: string[], env: NodeJS.ProcessEnv = {}): SpawnSyncReturns<string> {
  const { NODE_OPTIONS: _, FORCE_COLOR: __, ...rest } = process.env;
  return spawnSync(process.execPath, [BIN, ...args], { encoding: 'utf8', env: { ...rest, ...env }, timeout: 150_000 });
}

/** A bad input ends with one sentence on stderr, never with a stack trace. */
function expectOneSentence(result: SpawnSyncReturns<string>, status: number, words: string): void {
  expect(result.stderr).toContain(words);
  expect(result.stderr.trimEnd().split('\n').length).toBe(1);
  expect(result.stderr).toMatch(/^evdiag: [A-Z"].*[.?"]?\n$/);
  expect(result.stderr).not.toMatch(/\bat .*:\d+:\d+/);
  expect(result.stdout).toBe('');
  expect(result.status).toBe(status);
}

const good = () => tempFolder({ [FILE]: ndjson([header, utilization(0.5), cpu(), stall()]) });

describe('help', () => {
  test.each([[['--help']], [['help']], [['report', '--help']], [['run', '--help']], [['help', 'explain']]])(
    '%j',
    (args) => {
      const { status, stdout, stderr } = evdiag(args);
      expect(status).toBe(0);
      expect(stdout).toContain('Examples:');
      expect(stderr).toBe('');
    },
  );

  test('--version', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    expect(evdiag(['--version'])).toMatchObject({ status: 0, stdout: `${version}\n` });
  });

  test('no command at all is a usage error that shows the help', () => {
    expect(evdiag([])).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('Commands:') });
  });
});

describe('bad usage', () => {
  test.each([
    [['reprot'], 'Did you mean report?'],
    [['report', '--bad'], 'See "evdiag report --help".'],
    [['report', '--format', 'xml'], 'Allowed choices are text, json, markdown, html'],
    [['report', '--fail-on', 'horror'], 'Allowed choices are info, warning, critical'],
    [['report', 'a', 'b'], 'Too many arguments'],
    [['run'], 'Write it after "--"'],
    [['run', '--'], 'Write it after "--"'],
    [['run', '--duration', 'soon', '--', 'node'], 'must be a number'],
    [['run', '--slow-ms', '-5', '--', 'node'], 'must be a number'],
    [['explain', 'blocked-event-lop'], 'Did you mean "blocked-event-loop"?'],
    [['explain', 'sync-databse'], 'Did you mean "sync-database"?'],
    [['explain', 'sync-'], 'Several match: sync-fs, '],
    [['report', '--short', '--json'], 'Leave out --short'],
    [['scenario'], 'Missing required argument'],
    [['scenario', 'sync-oi'], 'Did you mean "sync-io"?'],
  ])('%j', (args, words) => {
    expectOneSentence(evdiag(args), 2, words);
  });
});

describe('bad input', () => {
  test.each([
    ['a foreign file', '{"name":"x"}\n', 'is not a recording'],
    ['a binary file', Buffer.from([0, 255, 10, 7]), 'is not a recording'],
    ['an empty file', '', 'is empty'],
    ['a newer major version', ndjson([{ ...header, major: 9 }]), 'Update evdiag'],
  ])('%s', (_, content, words) => {
    expectOneSentence(evdiag(['report', tempFolder({ [FILE]: content })]), 2, words);
  });

  test('a missing or empty folder', () => {
    expectOneSentence(evdiag(['report', '/nowhere']), 2, '"/nowhere" does not exist.');
    expectOneSentence(
      evdiag(['report', '4711']),
      2,
      '"4711" does not exist. "evdiag top 4711" shows a running process.',
    );
    expectOneSentence(evdiag(['report', tempFolder()]), 2, 'it has no recording.ndjson');
  });

  test('where nothing was recorded, it says how to record', () => {
    const missing = evdiag(['report', join(tempFolder(), '.evdiag')]);
    expectOneSentence(missing, 2, 'does not exist. Run a program under the agent ("evdiag run -- node app.js")');
    const empty = join(tempFolder(), '.evdiag');
    mkdirSync(empty);
    expectOneSentence(evdiag(['report', empty]), 2, 'Run a program under the agent');
  });

  test('an output that cannot be written', () => {
    expectOneSentence(evdiag(['report', good(), '-o', '/nowhere/report.txt']), 2, 'cannot be written');
  });
});

describe('the number of a process alone', () => {
  test('is watched, as by top', () => {
    expect(evdiag(['2147483646', '--json'])).toMatchObject({
      status: 3,
      stderr: 'evdiag: There is no process 2147483646.\n',
    });
    expectOneSentence(evdiag(['2147483646']), 2, '"evdiag top" needs a terminal');
    expect(evdiag(['--help']).stdout).toContain('short for "evdiag top 4711"');
  });
});

describe('explain', () => {
  test.each([
    [['sync-database'], /^sync-database: a synchronous database call\n[\s\S]*A kind of blocked-event-loop/],
    [['json'], /^json: JSON\.parse/],
    // The only one that begins so.
    [['regex'], /^regexp: /],
    [['blocked'], /^blocked-event-loop: /],
  ])('%j', (args, words) => {
    const { status, stdout, stderr } = evdiag(['explain', ...args]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(words);
  });

  test('a kind as JSON names the rules that have it', () => {
    const { kind, rules } = JSON.parse(evdiag(['explain', 'sync-fs', '--json']).stdout);
    expect(kind).toBe('sync-fs');
    expect(rules).toMatchObject([{ rule: 'blocked-event-loop', title: 'synchronous file access' }]);
  });
});

describe('report', () => {
  test('--short is ten lines at most, with the place of each finding that is shown', () => {
    const stalls = Array.from({ length: 20 }, (_, i) =>
      stall({ id: i, t: 3000 + i * 1000, startMs: 2000 + i * 1000, location: { ...location, line: 10 + i } }),
    );
    const folder = tempFolder({ [FILE]: ndjson([header, utilization(0.5), cpu(), ...stalls]) });
    const lines = evdiag(['report', folder, '--short']).stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(10);
    expect(lines[2]).toMatch(/^\d+ findings: /);
    for (const line of lines.slice(3, 9))
      expect(line).toMatch(/^(critical|warning|info) +\/srv\/app\.js:\d+ {2}The event loop/);
    expect(lines[9]).toBe(`and ${Number.parseInt(lines[2]!, 10) - 6} more; in full: evdiag report ${folder}`);
    const few = evdiag(['report', good(), '--short']).stdout.trimEnd().split('\n');
    expect(few.length).toBeLessThan(10);
  });

  test.each(['text', 'json', 'markdown', 'html'])('--format %s goes to stdout', (format) => {
    const { status, stdout, stderr } = evdiag(['report', good(), '--format', format]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.length).toBeGreaterThan(100);
  });

  test('--json is --format json, -o writes a file for the owner only', () => {
    const folder = good();
    const file = join(folder, 'report.json');
    const { stdout } = evdiag(['report', folder, '--json']);
    expect(evdiag(['report', folder, '--json', '-o', file])).toMatchObject({ status: 0, stdout: '' });
    expect(readFileSync(file, 'utf8')).toBe(stdout);
    expect(JSON.parse(stdout).schema).toBe('evdiag-report/2');
  });

  test('colour follows NO_COLOR and FORCE_COLOR', () => {
    const folder = good();
    expect(evdiag(['report', folder]).stdout).not.toContain('\x1b');
    expect(evdiag(['report', folder], { FORCE_COLOR: '1' }).stdout).toContain('\x1b[');
  });
});

describe('explain and scenarios', () => {
  test('list, page and JSON', () => {
    expect(evdiag(['explain']).stdout).toContain('blocked-event-loop');
    expect(evdiag(['explain', 'blocked-event-loop']).stdout).toContain('What to change');
    expect(JSON.parse(evdiag(['explain', '--json']).stdout).map(({ id }: { id: string }) => id)).toContain(
      'async-deadlock',
    );
    expect(evdiag(['scenarios']).stdout).toMatch(/^sync-io +\S.*blocked-event-loop \(sync-fs\)$/m);
    const listed: { id: string }[] = JSON.parse(evdiag(['scenarios', '--json']).stdout);
    expect(listed.map(({ id }) => id)).toContain('healthy');
  });
});

describe('run', () => {
  test('reports on stderr, leaves stdout and the exit code to the program', () => {
    const out = tempFolder();
    const result = evdiag(['run', '--out', out, '--', process.execPath, '-e', `${SICK} process.exitCode = 7;`]);
    expect(result).toMatchObject({ status: 7, stdout: 'done\n' });
    expect(result.stderr).toContain('blocked-event-loop');
    expect(readdirSync(out)).toEqual([expect.stringMatching(/^\d{8}-\d{6}-\d+$/)]);
    expect(evdiag(['report', out, '--fail-on', 'warning']).status).toBe(1);
  });

  test('--json puts the report on stdout, --fail-on decides the exit code', () => {
    const args = ['run', '--out', tempFolder(), '--json', '--fail-on', 'warning', '--', process.execPath, '-e', SICK];
    const { status, stdout, stderr } = evdiag(args);
    const report: Report = JSON.parse(stdout);
    expect(status).toBe(1);
    expect(stderr).toContain('done');
    expect(report.findings[0]?.rule).toBe('blocked-event-loop');
  });

  test('keeps the NODE_OPTIONS that were set, and takes a folder with spaces and quotes', () => {
    const out = join(tempFolder(), 'my "out" folder');
    const script = 'setTimeout(() => console.log(process.execArgv.length, process.env.NODE_OPTIONS), 300)';
    const args = ['run', '--out', out, '--', process.execPath, '-e', script];
    const { stdout, status } = evdiag(args, { NODE_OPTIONS: '--no-deprecation' });
    expect(stdout).toContain('--no-deprecation --require "');
    expect(status).toBe(0);
  });

  test('--duration ends a program that would run forever', () => {
    const script = 'setInterval(() => {}, 1000)';
    const args = ['run', '--out', tempFolder(), '--duration', '8', '--', process.execPath, '-e', script];
    expect(evdiag(args)).toMatchObject({ status: 0, stdout: '' });
  });

  test('passes SIGTERM on, waits for the program, and reports', async () => {
    const script = `process.on('SIGTERM', () => setTimeout(() => process.exit(5), 200)); setInterval(() => {}, 1000); console.log('up');`;
    const args = [BIN, 'run', '--out', tempFolder(), '--', process.execPath, '-e', script];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    const [code] = await once(child, 'close');
    expect(code).toBe(5);
    expect(stderr).toContain('recorded');
  });

  test('a program killed by a signal gives 128 + signal', () => {
    const script = `setTimeout(() => process.kill(process.pid, 'SIGKILL'), 500)`;
    expect(evdiag(['run', '--out', tempFolder(), '--', process.execPath, '-e', script]).status).toBe(137);
  });

  test('a command that cannot be started leaves nothing behind', () => {
    const out = tempFolder();
    expectOneSentence(evdiag(['run', '--out', out, '--', 'no-such-program']), 3, 'there is no such program');
    expectOneSentence(evdiag(['run', '--out', out, '--', join(ROOT, 'package.json')]), 3, 'not executable');
    expect(readdirSync(out)).toEqual([]);
  });

  test('a program without Node.js is said to be unrecorded', () => {
    const out = tempFolder();
    expectOneSentence(evdiag(['run', '--out', out, '--', 'true']), 3, 'Nothing was recorded');
    expect(evdiag(['run', '--out', out, '--', 'sh', '-c', 'exit 4']).status).toBe(4);
    expect(readdirSync(out)).toEqual([]);
  });

  test('an --out that is a file is refused', () => {
    const folder = tempFolder({ taken: '' });
    mkdirSync(join(folder, 'sub'));
    expectOneSentence(evdiag(['run', '--out', join(folder, 'taken'), '--', 'true']), 2, 'cannot be written');
  });
});

describe('scenario', () => {
  test('compares the broken program with its cure', () => {
    const { status, stdout } = evdiag(['scenario', 'blocking-sleep', '--json']);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ id: 'blocking-sleep', met: true });
    expect(result.variants.map(({ variant }: { variant: string }) => variant)).toEqual(['broken', 'fixed']);
    expect(status).toBe(0);
  });
});
