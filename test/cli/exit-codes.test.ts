import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommanderError } from 'commander';
import { describe, expect, test } from 'vitest';
import { TargetError } from '../../src/attach/target-error.ts';
import { failureOf } from '../../src/cli/failure.ts';
import { InputError } from '../../src/util/input-error.ts';
import { EXIT, UserError } from '../../src/util/user-error.ts';
import { cpu, header, ndjson, stall, tempFolder, utilization } from '../support/recording.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BIN = join(ROOT, 'bin/evdiag.mjs');

/** Runs evdiag; `before` is a program text that Node loads first. */
function evdiag(args: string[], { before = '', env = {} }: { before?: string; env?: NodeJS.ProcessEnv } = {}) {
  const { NODE_OPTIONS: _, FORCE_COLOR: __, EVDIAG_DEBUG: ___, ...rest } = process.env;
  const preload = join(tempFolder({ 'before.cjs': before }), 'before.cjs');
  const all = ['--require', preload, BIN, ...args];
  return spawnSync(process.execPath, all, { encoding: 'utf8', env: { ...rest, ...env }, timeout: 150_000 });
}

const sick = () => tempFolder({ 'recording.ndjson': ndjson([header, utilization(0.5), cpu(), stall()]) });
/** Something of evdiag's own fails, in the command itself. */
const FAILING = 'JSON.stringify = () => { throw new TypeError("injected"); };';
/** And beside it: in a timer, where nobody catches it, while a program is run. */
const CRASHING = `const { ChildProcess } = require('node:child_process');
const { spawn } = ChildProcess.prototype;
ChildProcess.prototype.spawn = function (...args) {
  setImmediate(() => { throw new Error('injected later'); });
  return spawn.apply(this, args);
};`;
const UNHANDLED = CRASHING.replace('throw new Error(', 'Promise.reject(new Error(').replace("later');", "later'));");

describe('exit codes of docs/commands', () => {
  const table = [...readFileSync(join(ROOT, 'docs/commands/README.md'), 'utf8').matchAll(/^\| `(\d+)` \| (.+) \|$/gm)];
  const provoked: Record<string, () => { status: number | null; stderr: string }> = {
    0: () => evdiag(['explain']),
    1: () => evdiag(['report', sick(), '--fail-on', 'info']),
    2: () => evdiag(['report', '--bad']),
    3: () => evdiag(['dump', '2147483646']),
    70: () => evdiag(['explain', '--json'], { before: FAILING }),
  };

  test('are those that evdiag has, and each can be provoked', () => {
    const codes = table.map(([, code]) => Number(code));
    expect(codes).toEqual(Object.values(EXIT));
    expect(codes.map(String)).toEqual(Object.keys(provoked));
  });

  test.each(table.map(([, code, means]) => [code!, means!]))('%s: %s', (code, _means) => {
    const { status, stderr } = provoked[code]!();
    expect(status, stderr).toBe(Number(code));
  });
});

test.skipIf(process.platform !== 'linux')('an output that cannot be written is no bug, and no success', () => {
  const { status, stderr } = spawnSync('sh', ['-c', '"$0" "$1" explain > /dev/full', process.execPath, BIN], {
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 2, stderr: 'evdiag: The output cannot be written (ENOSPC).\n' });
});

test('whoever reads no more of the output is no error', () => {
  const { status, stdout, stderr } = spawnSync(
    'sh',
    ['-c', '"$0" "$1" explain --json | head -c 5', process.execPath, BIN],
    {
      encoding: 'utf8',
    },
  );
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '[\n  {', stderr: '' });
});

describe('a bug of evdiag', () => {
  const TEXT = 'Please report it with the command line and what EVDIAG_DEBUG=1 prints.\n';

  test('says so and what to do, without a stack', () => {
    const { stderr, stdout } = evdiag(['explain', '--json'], { before: FAILING });
    expect(stderr).toBe(`evdiag: This is a bug in evdiag: injected. ${TEXT}`);
    expect(stdout).toBe('');
  });

  test('with EVDIAG_DEBUG says where', () => {
    const { stderr, status } = evdiag(['explain', '--json'], { before: FAILING, env: { EVDIAG_DEBUG: '1' } });
    expect(stderr).toMatch(/TypeError: injected\n +at /);
    expect(status).toBe(70);
  });

  test.each([
    ['in an event or a timer', CRASHING],
    ['in a promise that nobody awaits', UNHANDLED],
  ])('%s ends it too, though a program runs', (_where, before) => {
    const out = tempFolder();
    const program = ['--', process.execPath, '-e', 'setTimeout(() => {}, 2000)'];
    const { stderr, status } = evdiag(['run', '--out', out, ...program], { before });
    expect(stderr).toContain(`evdiag: This is a bug in evdiag: injected later. ${TEXT}`);
    expect(status).toBe(70);
  });
});

describe('what an exception means', () => {
  test.each([
    ['an input that cannot be read', new InputError('Read this.'), 2, 'Read this.'],
    ['a process that is not reached', new TargetError('No process.'), 3, 'No process.'],
    ['a process that ended', new TargetError('It ended.', 'ended'), 3, 'It ended.'],
    ['a program that could not be started', new UserError('No such program.', 'not-started'), 3, 'No such program.'],
    ['help that was asked for', new CommanderError(0, 'commander.helpDisplayed', ''), 0, null],
    ['a command that is missing', new CommanderError(1, 'commander.help', ''), 2, null],
  ])('%s', (_what, error, exitCode, message) => {
    expect(failureOf(error, [])).toEqual({ exitCode, message });
  });

  test.each([
    ['an error', new Error('one line\nanother'), 'one line.'],
    ['an error that is a question', new RangeError('what?'), 'what.'],
    ['anything that is thrown', 'a string', 'a string.'],
    ['an error of Node', Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT' }), 'ENOENT: no such file.'],
  ])('%s is a bug', (_what, error, words) => {
    const { exitCode, message } = failureOf(error, []);
    expect(exitCode).toBe(70);
    expect(message).toContain(`This is a bug in evdiag: ${words} Please report it`);
  });

  test('a word that commander does not know is told with the help of its command', () => {
    const error = new CommanderError(1, 'commander.unknownOption', "error: unknown option '--x'\n(Did you mean --y?)");
    expect(failureOf(error, ['report'])).toEqual({
      exitCode: 2,
      message: 'Unknown option \'--x\'. Did you mean --y? See "evdiag report --help".',
    });
  });
});
