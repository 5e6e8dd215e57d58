import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { evdiag } from '../../support/dump.ts';
import { KEYS, onTerminal, type TerminalOptions, type TestTerminal } from '../../support/pty.ts';
import { tempFolder } from '../../support/recording.ts';
import { ROOT } from '../../support/run-agent.ts';
import { profiledFolder, sickFolder } from '../../support/sick-recording.ts';

const CLINIC_DOCTOR = join(ROOT, 'test/fixtures/clinic-doctor/32375.clinic-doctor');

/** The sick recording on a terminal; `use` begins when it is there, its findings marked. */
async function replay(use: (terminal: TestTerminal) => Promise<void>, options: TerminalOptions = {}): Promise<void> {
  const body = async (terminal: TestTerminal): Promise<void> => {
    await terminal.until(/2 warnings[\s\S]*q quit/);
    // The marks come last.
    await terminal.until('━!━');
    await use(terminal);
  };
  await onTerminal(['replay', 'out'], body, { cwd: sickFolder(), ...options });
}

describe('evdiag replay', () => {
  test.each([80, 100, 140])('its screens, %i columns wide', (columns) =>
    replay(
      async (terminal) => {
        await terminal.quiet();
        const screens = [terminal.text()];
        for (const [key, shows] of [
          ['2', /longest +total/],
          ['\r', 'Stack for'],
          ['3', 'Timeout'],
          ['4', 'ask'],
          ['5', 'resident set'],
          ['6', 'severity'],
          ['7', '● pid 100'],
          ['8', /\(1 of 3, o\)[\s\S]*writes it to a file/],
          ['t', 'calls, top down'],
          ['?', 'these keys'],
        ] as const) {
          terminal.type(key);
          await terminal.until(shows);
          await terminal.quiet();
          screens.push(terminal.text());
        }
        expect(screens.join(`\n${'═'.repeat(columns)}\n`)).toMatchSnapshot();
      },
      { columns, rows: 28, cwd: profiledFolder() },
    ),
  );

  test('keys, the wheel and the mouse move in it', () =>
    replay(async (terminal) => {
      terminal.clickOn('2 Stalls');
      await terminal.until('kind');
      expect(terminal.styleOf('sync-fs')).toMatchObject({ inverse: true });
      const selected = (): string =>
        terminal.lines().find((line) => terminal.styleOf(line.trim()).inverse && line.includes('sync-fs'))!;
      const first = selected();
      terminal.type(KEYS.down);
      await expect.poll(selected).not.toBe(first);
      terminal.type(KEYS.up);
      await expect.poll(selected).toBe(first);
      terminal.type(KEYS.wheelDown);
      await expect.poll(selected).not.toBe(first);
      terminal.type(KEYS.wheelUp + KEYS.wheelUp);
      await expect.poll(selected).toBe(first);
      terminal.type(KEYS.left);
      await terminal.until('longest▼');
      terminal.clickOn('times');
      await terminal.until('times▼');
      terminal.type('i');
      await terminal.until('times▲');
      terminal.type('/', ...'handler20', KEYS.enter);
      await terminal.untilGone('handler10');
      terminal.type(KEYS.enter);
      await terminal.until('Stack for');
      terminal.type(KEYS.escape);
      await terminal.untilGone('Stack for');
      terminal.type('c');
      await terminal.until('handler10');
      terminal.type('\t');
      await terminal.until('created at');
      terminal.type(KEYS.backTab);
      await terminal.until('longest');
    }));

  test('plays, steps, seeks and jumps to findings', () =>
    replay(async (terminal) => {
      terminal.type('2', '{');
      await terminal.until('No stall');
      terminal.type('n');
      await terminal.until('‖ 3 s');
      terminal.type('.', '.');
      await terminal.until('‖ 8 s');
      terminal.type(',');
      await terminal.until('‖ 5 s');
      terminal.type('+', '+', '+', '+', '+', '+', ' ');
      await terminal.until('×64');
      await terminal.until('‖ 10.2 s');
      const bar = terminal.lines().findIndex((line) => line.includes('━'));
      terminal.click(10, bar);
      await terminal.until('No stall');
    }));

  test('y copies the place through the terminal', () =>
    replay(async (terminal) => {
      terminal.type('2', 'y');
      await terminal.until('Copied /srv/app.js:20:3');
      expect(terminal.written()).toContain(`\x1b]52;c;${Buffer.from('/srv/app.js:20:3').toString('base64')}\x07`);
    }));

  test('is clean after each resize, and says when there is too little room', () =>
    replay(async (terminal) => {
      terminal.type('2');
      await terminal.until('last');
      terminal.resize(80, 24);
      await terminal.untilGone('last');
      await expect.poll(() => terminal.lines().at(-1)).toContain('q quit');
      terminal.resize(40, 10);
      await terminal.until('too small');
      terminal.resize(120, 40);
      await terminal.until('on CPU');
      expect(terminal.lines().filter((line) => line.includes('q quit')).length).toBe(1);
      expect(terminal.text()).not.toContain('too small');
    }));

  test('writes nothing where nothing changed', () =>
    replay(async (terminal) => {
      const bytesOf = async (keys: string): Promise<number> => {
        const before = terminal.written().length;
        terminal.type(...keys, '?');
        await terminal.until('these keys');
        terminal.type(KEYS.escape);
        await terminal.untilGone('these keys');
        await terminal.quiet();
        return terminal.written().length - before;
      };
      // On a busy machine what was typed before may be shown late.
      const leastOf = async (keys: string): Promise<number> => {
        const all: number[] = [];
        for (let i = 0; i < 5; i++) all.push(await bytesOf(keys));
        return Math.min(...all);
      };
      expect(await leastOf('cccccccccccccccccccc')).toBe(await leastOf(''));
    }));

  test('names of functions cannot steer the terminal', async () => {
    const evil = '\x1b]0;owned\x07\x1b[2J\x1b[31m\u202eevil';
    await onTerminal(
      ['replay', 'out'],
      async (terminal) => {
        await terminal.until('q quit');
        terminal.type('2');
        await terminal.until(/evil .*:99/);
        expect(terminal.written()).not.toMatch(/\x1b\]0;owned|\u202e/);
        expect(terminal.text()).toContain('q quit');
      },
      { cwd: sickFolder(evil) },
    );
  });

  test('Chinese and Korean names take two columns each, and what comes after them stays in its column', async () => {
    await onTerminal(
      ['replay', 'out'],
      async (terminal) => {
        await terminal.until('q quit');
        terminal.type('2');
        await terminal.until(/處理한글 .*:99/);
        // Sorted by another column, the rows change places.
        for (const key of ['h', 'i', 'i', 'l', 'j', 'k']) {
          terminal.type(key);
          await terminal.quiet();
        }
        const wide = terminal.lines().find((line) => line.includes('處理한글'))!;
        const other = terminal.lines().find((line) => line.includes('handler20'))!;
        expect(wide.indexOf('處')).toBe(other.indexOf('handler20'));
        expect(terminal.text().split('處理한글').length).toBe(2);
      },
      { cwd: sickFolder('處理한글') },
    );
  });

  test('a folder of clinic doctor', async () => {
    await onTerminal(['replay', CLINIC_DOCTOR], async (terminal) => {
      await terminal.until(/32375\.clinic-doctor main thread of pid 32375 .*Node\.js 20\.20\.2/);
      await terminal.until('recorded by clinic doctor 11.0.0');
      await terminal.until(/CRITICAL +2 findings: 1 critical/);
      await terminal.until(/loop busy +no data\n/);
      terminal.type('2');
      await terminal.until(/js-cpu +9 +243 ms .*place not known/);
      terminal.type('4');
      await terminal.until('a recording of clinic doctor has no such data');
      terminal.type('2', '{');
      await terminal.until('No stall');
      terminal.type('.');
      await terminal.until(/(gc|js-cpu) +1 /);
    });
  });

  test('a recording that was cut off in the middle of a line', async () => {
    const cwd = sickFolder();
    appendFileSync(join(cwd, 'out/recording.ndjson'), '{"t":10300,"type":"sta');
    await onTerminal(['replay', 'out'], (terminal) => terminal.until('cut off at its end'), { cwd });
  });

  test('NO_COLOR: no colours, and everything can still be told apart', () =>
    replay(
      async (terminal) => {
        expect(terminal.written()).not.toContain('38;5;');
        expect(terminal.styleOf('1 Overview').inverse).toBe(true);
      },
      { env: { NO_COLOR: '1' } },
    ));

  test('colour: warnings are orange', () =>
    replay(async (terminal) => {
      expect(terminal.styleOf('! WARNING').color).toBe(214);
    }));

  test('a locale without UTF-8 gets ASCII', async () => {
    await onTerminal(
      ['replay', 'out'],
      async (terminal) => {
        await terminal.until(/2 warnings[\s\S]*q quit/);
        for (const key of '12345678?') {
          terminal.type(key);
          expect(terminal.text()).toMatch(/^[ -~\n]*$/);
        }
        await terminal.until('these keys');
        expect(terminal.text()).toMatch(/^[ -~\n]*$/);
      },
      { cwd: sickFolder(), env: { LC_ALL: 'C' } },
    );
  });

  test('without a terminal one sentence points to the report', async () => {
    const { status, stdout, stderr } = await evdiag(['replay', join(sickFolder(), 'out')]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^evdiag: .*"evdiag report".*\n$/);
    expect((await evdiag(['replay', tempFolder()])).stderr).toContain('is not a recording');
    expect((await evdiag(['top', '1'])).status).toBe(2);
  });

  test('a dumb terminal is none', () =>
    onTerminal(
      ['replay', 'out'],
      async (terminal) => {
        expect(await terminal.exit).toMatchObject({ exitCode: 2 });
        await terminal.until('"evdiag report"'); // the last of it may come after the end
      },
      { cwd: sickFolder(), env: { TERM: 'dumb' } },
    ));
});

describe('the terminal is given back', () => {
  /** Alternate screen left, cursor shown, mouse and keypad as they were. */
  function expectRestored(terminal: TestTerminal): void {
    const written = terminal.written();
    expect(terminal.isAlternate()).toBe(false);
    for (const [on, off] of [
      ['\x1b[?25l', '\x1b[?25h'],
      ['\x1b[?1000h', '\x1b[?1000l'],
      ['\x1b[?1049h', '\x1b[?1049l'],
    ] as const) {
      expect(written.lastIndexOf(off), off).toBeGreaterThan(written.lastIndexOf(on));
    }
  }

  test.each([
    ['q', (terminal: TestTerminal) => terminal.type('q'), 0],
    ['Ctrl-C', (terminal: TestTerminal) => terminal.type(KEYS.ctrlC), 130],
    ['SIGTERM', (terminal: TestTerminal) => terminal.kill('SIGTERM'), 143],
    ['SIGHUP', (terminal: TestTerminal) => terminal.kill('SIGHUP'), 129],
  ] as const)('after %s', (_, end, exitCode) =>
    replay(async (terminal) => {
      end(terminal);
      expect(await terminal.exit).toEqual({ exitCode, signal: 0 });
      expectRestored(terminal);
    }),
  );

  test('after a crash, which is told', async () => {
    const preload = join(
      tempFolder({ 'crash.cjs': "process.on('SIGUSR2', () => { throw new Error('crashed'); });" }),
      'crash.cjs',
    );
    await replay(
      async (terminal) => {
        terminal.kill('SIGUSR2');
        expect(await terminal.exit).toMatchObject({ exitCode: 70 });
        await terminal.until('This is a bug in evdiag: crashed');
        expectRestored(terminal);
      },
      { env: { NODE_OPTIONS: `--require ${preload}` } },
    );
  });
});
