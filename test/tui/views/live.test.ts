import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readRecording } from '../../../src/recording/reader.ts';
import { rowsOf } from '../../../src/recording/types.ts';
import { KEYS, onTerminal, type TerminalOptions } from '../../support/pty.ts';
import { tempFolder } from '../../support/recording.ts';
import { AGENT_CJS, inLab, type Lab } from '../../support/run-agent.ts';

/** Computes for 250 ms each second while a server waits, and has calls that nobody answers; after so many times it ends with 7, if asked. */
const PROGRAM = `
const waiting = new Map();
async function ask(n) {
  await new Promise((resolve) => waiting.set(n, resolve));
}
function block() {
  for (let n = 0, start = process.cpuUsage(); process.cpuUsage(start).user < 250e3; ) while (++n % 1e6);
  if (++times === Number(process.argv[2])) setTimeout(() => process.exit(7), 500);
}
let times = 0;
require('node:http').createServer().listen(0);
console.log('its own output');
for (let n = 0; n < 9; n++) void ask(n);
setInterval(block, 1000);
`;

/** A folder with the program in which nobody else's processes are listed. */
function place(): TerminalOptions & { cwd: string } {
  const cwd = tempFolder({ 'app.cjs': PROGRAM, 'run/.keep': '', 'tmp/.keep': '' });
  return { cwd, env: { XDG_RUNTIME_DIR: join(cwd, 'run'), TMPDIR: join(cwd, 'tmp') } };
}

describe('evdiag run --tui', () => {
  test('shows stalls and suspended calls while they come; d dumps, s saves', async () => {
    const options = place();
    await onTerminal(
      ['run', '--tui', '--', 'node', 'app.cjs'],
      async (terminal) => {
        await terminal.until('● live');
        terminal.type('2');
        await terminal.until(/js-cpu +([2-9]|\d\d+) .*block app\.cjs:7/);
        terminal.type('4');
        await terminal.until(/ 9 .*ask app\.cjs:4/);
        terminal.type('d');
        await terminal.until(/dump \(Esc closes\)/);
        await terminal.until(/9 × ask app\.cjs/);
        terminal.type(KEYS.escape);
        await terminal.untilGone('Esc closes');
        terminal.type('s');
        await terminal.until('Saved: evdiag replay .evdiag/');
        const saved = terminal.text().match(/Saved: evdiag replay (\S+)/)![1]!;
        const [recording] = readRecording(join(options.cwd, saved));
        expect(rowsOf(recording!, 'stall').length).toBeGreaterThanOrEqual(1);
        terminal.type('q');
        expect(await terminal.exit).toMatchObject({ exitCode: 0 });
        await terminal.quiet();
        expect(terminal.isAlternate()).toBe(false);
        expect(terminal.written().split('its own output').length).toBe(2);
        expect(terminal.text()).toContain('Also looked at');
      },
      options,
    );
  });

  test('m takes a snapshot, M hunts leaks in three steps; nothing is left of the hunt', async () => {
    const options = place();
    await onTerminal(
      ['run', '--tui', '--', 'node', 'app.cjs'],
      async (terminal) => {
        await terminal.until('● live');
        const typeUntil = async (key: string, done: RegExp): Promise<void> => {
          const asked = `Press ${key} again`;
          terminal.type(key);
          await terminal.until(new RegExp(`${asked}|${done.source}`));
          // A pause that would be noticed is agreed to by the same key.
          if (terminal.text().includes(asked)) terminal.type(key);
          await terminal.until(done);
        };
        await typeUntil('m', /heap-\d+\.heapsnapshot: "evdiag leaks/);
        await typeUntil('M', /Snapshot 1 of 3 is taken/);
        await typeUntil('M', /Snapshot 2 of 3 is taken/);
        await typeUntil('M', /Leak hunt \(Esc closes\)[\s\S]*3 snapshots/);
        terminal.type(KEYS.escape);
        await terminal.untilGone('Esc closes');
        terminal.type('q');
        await terminal.exit;
        const files = readdirSync(options.cwd);
        expect(files.filter((name) => name.endsWith('.heapsnapshot'))).toHaveLength(1);
        expect(readdirSync(join(options.cwd, 'tmp')).filter((name) => name.startsWith('evdiag-leaks'))).toEqual([]);
      },
      options,
    );
  });

  test('the end freezes the view and leaves it navigable; the exit code is the program’s', async () => {
    await onTerminal(
      ['run', '--tui', '--', 'node', 'app.cjs', '2'],
      async (terminal) => {
        await terminal.until('The process has ended with exit code 7');
        // The host's own come first on a busy one.
        terminal.type('2', '/', ...'js-cpu', KEYS.enter);
        await terminal.until('filter "js-cpu"');
        terminal.type(KEYS.enter);
        await terminal.until('Stack for');
        terminal.type(KEYS.escape);
        await terminal.untilGone('Esc closes');
        terminal.type('c', '{');
        await terminal.until('No stall');
        // On a busy host there are others before it.
        await expect
          .poll(
            () => {
              terminal.type('.');
              return terminal.text();
            },
            { interval: 300, timeout: 60_000 },
          )
          .toMatch(/js-cpu +[1-9] /);
        terminal.type('q');
        expect(await terminal.exit).toMatchObject({ exitCode: 7 });
      },
      place(),
    );
  });

  test('Ctrl-C ends the program too', async () => {
    const options = place();
    await onTerminal(
      ['run', '--tui', '--', 'node', 'app.cjs'],
      async (terminal) => {
        await terminal.until('● live');
        terminal.type(KEYS.ctrlC);
        expect(await terminal.exit).toMatchObject({ exitCode: 0 });
      },
      options,
    );
    const [recording] = readRecording(join(options.cwd, '.evdiag'));
    expect(rowsOf(recording!, 'end')).toMatchObject([{ signal: 'SIGINT' }]);
  });
});

describe('evdiag top', () => {
  const start = (lab: Lab, env: Record<string, string>, name: string) =>
    lab.start(lab.file(name, PROGRAM), { node: ['-r', AGENT_CJS], env });

  test(
    'lists what runs with the agent, follows the chosen one, and stays when that is killed',
    inLab(async (lab) => {
      const options = place();
      const programs = ['one.cjs', 'two.cjs'].map((name) => start(lab, options.env as Record<string, string>, name));
      const sockets = () =>
        readdirSync(join(options.cwd, 'run'), { recursive: true }).filter((file) => String(file).endsWith('.sock'));
      await expect.poll(() => sockets().length, { timeout: 60_000 }).toBe(2);
      await onTerminal(
        ['top'],
        async (terminal) => {
          await terminal.until(/Processes that (run with the agent|can be observed)/);
          const second = terminal.lines().findIndex((line) => line.includes('two.cjs'));
          terminal.click(10, second);
          await terminal.until('● live');
          await terminal.until(/two\.cjs main thread of pid/);
          terminal.type('2');
          await terminal.until(/js-cpu .*block .*two\.cjs:7/);
          programs[1]!.kill('SIGKILL');
          await terminal.until('■ ended');
          terminal.type(KEYS.enter);
          await terminal.until('Esc closes');
          terminal.type('q');
          expect(await terminal.exit).toMatchObject({ exitCode: 0 });
        },
        { ...options, columns: 200 }, // room for the path
      );
      expect(programs[0]!.stderr()).not.toContain('Error');
    }),
  );

  test('says where a process cannot be watched', async () => {
    const other = spawn('sleep', ['600'], { stdio: 'ignore' });
    try {
      await onTerminal(['top', String(other.pid)], async (terminal) => {
        expect(await terminal.exit).toMatchObject({ exitCode: 3 });
        await terminal.until(/not a Node\.js|runs without the agent/);
        expect(terminal.written()).not.toContain('\x1b[?1049h');
      });
    } finally {
      other.kill();
    }
  });
});
