import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { KEYS, onTerminal, type TerminalOptions, type TestTerminal } from '../../support/pty.ts';
import { tempFolder } from '../../support/recording.ts';
import { profiledFolder } from '../../support/sick-recording.ts';

/** Computes for 250 ms in every 700: the loop of \`hot\` is line 4. */
const PROGRAM = `
function hot() {
  const { user: from } = process.cpuUsage(); let sum = 0; const end = from + 250e3;
  while (process.cpuUsage().user < end) for (let i = 0; i < 1e6; i++) sum += Math.sqrt(sum);
}
function work() {
  hot();
}
require('node:http').createServer().listen(0);
setInterval(work, 700);
`;

const CTRL_U = '\x15';

/** A folder with the program in which nobody else's processes are listed. */
function place(): TerminalOptions & { cwd: string } {
  const cwd = tempFolder({ 'app.cjs': PROGRAM, 'run/.keep': '', 'tmp/.keep': '' });
  return { cwd, columns: 120, rows: 40, env: { XDG_RUNTIME_DIR: join(cwd, 'run'), TMPDIR: join(cwd, 'tmp') } };
}

/** Types the name of a file over the one that is offered. */
function writeTo(terminal: TestTerminal, name: string): void {
  terminal.type('w');
  terminal.type(CTRL_U, ...name, KEYS.enter);
}

describe('the profile of a running program', () => {
  test('hot functions with their lines, calls, callers, the time of a stall; written in the format of the name', async () => {
    const options = place();
    await onTerminal(
      ['run', '--tui', '--', 'node', 'app.cjs'],
      async (terminal) => {
        await terminal.until('● live');
        terminal.type('8');
        await terminal.until('No profile yet');
        terminal.type('f');
        await terminal.until(/● process \d+ is being profiled for/);
        terminal.type('2');
        // Three turns of the program at least.
        await terminal.until(/● profile, ([3-9]|\d\d)(\.\d+)? s: f ends it/);
        terminal.type('f');
        await terminal.until(/CPU profile .*samples in/);
        await terminal.until(/busy [▁▂▃▄▅▆▇█]+ +busy \d+ % · collector/);
        await terminal.until(/self %▼[\s\S]*\d\d\.\d .* hot +application +app\.cjs:2/);
        terminal.type(KEYS.enter);
        await terminal.until(/itself .*\d %/);
        await terminal.until(/Hottest lines[\s\S]*> +4 │ .*Math\.sqrt[\s\S]*Called by\n *100 % .* work app\.cjs:6/);
        await terminal.until(/Heaviest path[\s\S]* work app\.cjs:6\n.*> hot app\.cjs:2/);
        terminal.type(KEYS.escape);
        await terminal.untilGone('Heaviest path');
        terminal.type('t');
        await terminal.until(/calls, top down[\s\S]*▼ work .*app\.cjs:6\n.* hot .*app\.cjs:2/);
        terminal.type('t');
        await terminal.until(/functions and their callers[\s\S]*▼ hot [\s\S]* work /);
        terminal.type('t');
        await terminal.until('self %▼');
        terminal.type('2');
        await terminal.until('r shows the stall in a CPU profile from');
        // On a busy host there are stalls of others.
        terminal.type('/', ...'hot', KEYS.enter);
        await terminal.until('filter "hot"');
        terminal.type('r');
        await terminal.until(/the stall of .* at .*r leaves it/);
        // Were the clocks not the same, it would be the time beside it, in which the thread waits.
        await terminal.until(/busy (100|[6-9]\d) %[\s\S]*\d\d\.\d .* hot +application/);
        terminal.type('w');
        await terminal.until(/write to: \d+\.speedscope\.json▏/);
        terminal.type(CTRL_U, ...'hot.foo', KEYS.enter);
        await terminal.until('It may end in .txt .cpuprofile');
        terminal.type(KEYS.escape);
        writeTo(terminal, 'hot.svg');
        await terminal.until('Written: hot.svg');
        terminal.type('r');
        await terminal.until('all of it, ');
        writeTo(terminal, 'hot.svg');
        await terminal.until('Written: hot-2.svg');
        await terminal.until('hot.svg was there already');
        writeTo(terminal, 'hot.cpuprofile');
        await terminal.until('Written: hot.cpuprofile');
        writeTo(terminal, 'nowhere/hot.md');
        await terminal.until('"nowhere/hot.md" cannot be written (ENOENT).');
        terminal.type('q');
        await terminal.exit;
      },
      options,
    );
    const at = (name: string): string => join(options.cwd, name);
    for (const name of ['hot.svg', 'hot-2.svg', 'hot.cpuprofile']) expect(statSync(at(name)).mode & 0o777).toBe(0o600);
    expect(readFileSync(at('hot.svg'), 'utf8')).toContain('hot');
    const spanOf = (name: string): number => {
      const { startTime, endTime } = JSON.parse(readFileSync(at(name), 'utf8')) as {
        startTime: number;
        endTime: number;
      };
      return endTime - startTime;
    };
    expect(spanOf('hot.cpuprofile')).toBeGreaterThan(2e6);
    expect(existsSync(at('hot.foo'))).toBe(false);
  });

  test('one that is cut off by the end of the program is said to be lost', async () => {
    await onTerminal(
      ['run', '--tui', '--', 'node', 'app.cjs'],
      async (terminal) => {
        await terminal.until('● live');
        terminal.type('f');
        await terminal.until('f ends it');
        process.kill(Number(terminal.text().match(/main thread of pid (\d+)/)![1]), 'SIGTERM');
        await terminal.until('■ ended');
        terminal.type('8');
        await terminal.until(/✗ The profile is lost\. Process \d+ ended/);
        terminal.type('q');
        await terminal.exit;
      },
      place(),
    );
  });

  test('L raises the level, and lowers it', async () => {
    await onTerminal(
      ['run', '--tui', '--level', 'watch', '--', 'node', 'app.cjs'],
      async (terminal) => {
        await terminal.until(/● live[\s\S]*· level watch ·/);
        terminal.type('4');
        terminal.type('L');
        await terminal.until(/Process \d+ is at level diagnose now/);
        await terminal.until('· level diagnose ·');
        await terminal.until('promises in the last');
        terminal.type('L');
        await terminal.until(/Process \d+ is at level watch now/);
        await terminal.until('· level watch ·');
        terminal.type('q');
        await terminal.exit;
      },
      place(),
    );
  });
});

describe('profiles beside a recording', () => {
  test('are read when they are shown, go with its clock, and can be written; one that is damaged says so', async () => {
    const cwd = profiledFolder();
    await onTerminal(
      ['replay', 'out'],
      async (terminal) => {
        await terminal.until(/2 warnings/);
        terminal.type('2');
        await terminal.until('r shows the stall in a CPU profile from 0 ms to 6 s');
        terminal.type('r');
        await terminal.until(/4\.1 s to 5 s: the stall of 900 ms at 4\.1 s/);
        await terminal.until(/77\.8 .* handler20 /);
        await terminal.untilGone('handler10');
        terminal.type('r');
        await terminal.until(/all of it, 0 ms to 6 s/);
        terminal.type('o');
        await terminal.until(/allocated and still alive \(2 of 3, o\) +allocations-1\.heapprofile/);
        await terminal.until(/100\.0 +64 KiB .* keep /);
        terminal.type('w');
        await terminal.until('write to: 100.heapprofile▏');
        terminal.type(KEYS.enter);
        await terminal.until('Written: 100.heapprofile');
        terminal.type('o');
        await terminal.until(/"out\/cut-off\.cpuprofile" is not a readable profile: it is cut off/);
        terminal.type('fL');
        await terminal.until('This is a recording: that works for live processes only.');
        terminal.type('q');
        await terminal.exit;
      },
      { cwd, columns: 120, rows: 30 },
    );
    expect(statSync(join(cwd, '100.heapprofile')).mode & 0o777).toBe(0o600);
  });
});
