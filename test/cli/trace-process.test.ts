import { execFile, spawn } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { NODE_WITH_HOOKS, TELL_HOOKS } from '../support/async-trace.ts';
import { inLab, type Lab, lineOf, ROOT, SPIN } from '../support/run-agent.ts';
import { checkTrace } from '../support/trace-format.ts';

const BIN = join(ROOT, 'bin/evdiag.mjs');

interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

const evdiag = (lab: Lab, ...args: string[]): Promise<Outcome> =>
  new Promise((resolve) => {
    const child = execFile(process.execPath, [BIN, ...args], { cwd: lab.folder }, (_error, stdout, stderr) =>
      resolve({ status: child.exitCode, stdout, stderr }),
    );
  });

const BUSY = `${SPIN}
setInterval(function work() { // works
  spin(250);
  setTimeout(function rest() {}, 20); // rests
}, 500);
console.log('up');`;

test(
  'of a running process: its operations and callbacks, the stall as it was recorded, the findings so far',
  inLab(async (lab) => {
    const program = lab.start(lab.file('app.js', BUSY));
    await program.until('stdout', 'up');
    await program.watched();
    // Until the first finding is there.
    await pause(1500);
    const { status, stdout, stderr } = await evdiag(lab, 'trace', String(program.pid), '-d', '2');
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    const file = `trace-${program.pid}.json`;
    expect(stderr).toMatch(
      new RegExp(`^evdiag: ${file}: \\d+ operations? and \\d+ callbacks? in \\d.* Open it in ui\\.`),
    );
    expect(statSync(join(lab.folder, file)).mode & 0o777).toBe(0o600);
    const { traceEvents } = JSON.parse(readFileSync(join(lab.folder, file), 'utf8'));
    const flows = checkTrace(traceEvents);
    const rest = `Timeout work app.js:${lineOf(BUSY, '// rests')}`;
    expect(flows.map(({ from, to }) => `${from.name} → ${to.name}`)).toContain(`Timeout work → ${rest}`);
    const named = (phase: string): string[] =>
      traceEvents.flatMap(({ ph, name }: never) => (ph === phase ? [name] : []));
    expect(named('b')).toContain(rest);
    expect(named('X').join()).toContain('blocked by js-cpu in ');
    expect(named('i').join()).toContain('blocked-event-loop');
    expect(named('C')).toContain('utilization (%)');
    const json = await evdiag(lab, 'trace', String(program.pid), '-d', '0.2', '-o', 'x.json', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({
      file: 'x.json',
      threads: [{ threadId: 0, dropped: 0, fullMs: null }],
    });
    program.kill('SIGKILL');
  }),
);

test(
  'Ctrl-C ends it early, and what there is by then is kept',
  inLab(async (lab) => {
    const text = `${TELL_HOOKS} setInterval(async function tick() { await 1; }, 5);`;
    const program = lab.start(lab.file('app.js', text), { node: NODE_WITH_HOOKS, env: { EVDIAG_LEVEL: 'watch' } });
    await program.watched();
    const child = spawn(process.execPath, [BIN, 'trace', String(program.pid), '-d', '300', '-o', 'x.json'], {
      cwd: lab.folder,
    });
    await program.until('stdout', 'hooks 1+4');
    await pause(200);
    child.kill('SIGINT');
    expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0);
    checkTrace(JSON.parse(readFileSync(join(lab.folder, 'x.json'), 'utf8')).traceEvents);
    program.kill('SIGKILL');
  }),
);

test.each([
  [['trace', '2147483646'], 3, 'There is no process 2147483646.'],
  [['trace', '.evdiag', '-d', '3'], 2, '--duration is for a running process'],
  [['trace', '1', '-d', '0'], 2, 'from 0.1 to 300'],
  [['trace', '99999999999'], 2, 'is not a process ID'],
] as const)('%j is one sentence and exit code %i', (args, code, words) =>
  inLab(async (lab) => {
    const { status, stdout, stderr } = await evdiag(lab, ...args);
    expect({ status, stdout, lines: stderr.trimEnd().split('\n').length }).toEqual({
      status: code,
      stdout: '',
      lines: 1,
    });
    expect(stderr).toContain(words);
  })(),
);
