/** A program on a terminal of its own: a pty, and xterm's own emulator that reads what is written to it. */
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type IPty, spawn } from '@lydell/node-pty';
import headless from '@xterm/headless';
import { expect } from 'vitest';
import { ROOT } from './run-agent.ts';

/** Far away: only what never comes gets there. */
const NEVER_MS = 60_000;
const POLL_MS = 15;
const QUIET_MS = 80;

export interface TerminalOptions {
  columns?: number;
  rows?: number;
  env?: Record<string, string>;
  cwd?: string;
}

export interface TestTerminal {
  pid: number;
  /** What is on the screen, without the spaces at the ends of the lines. */
  lines(): string[];
  text(): string;
  /** Of the colour and style of the first character of that text. */
  styleOf(text: string): { color: number; bold: boolean; inverse: boolean };
  /** Resolves when the screen shows it; fails with the screen when it never does. */
  until(shows: string | RegExp): Promise<void>;
  untilGone(shows: string | RegExp): Promise<void>;
  /** Resolves when nothing is written any more: a frame comes in pieces. */
  quiet(): Promise<void>;
  /** Types keys, one piece at a time. */
  type(...pieces: string[]): void;
  click(column: number, row: number): void;
  /** Clicks on the first character of that text. */
  clickOn(text: string): void;
  resize(columns: number, rows: number): void;
  kill(signal: NodeJS.Signals): void;
  /** Everything that was written, with its sequences. */
  written(): string;
  isAlternate(): boolean;
  exit: Promise<{ exitCode: number; signal: number }>;
}

export const KEYS = {
  up: '\x1b[A',
  down: '\x1b[B',
  right: '\x1b[C',
  left: '\x1b[D',
  pageUp: '\x1b[5~',
  pageDown: '\x1b[6~',
  enter: '\r',
  escape: '\x1b',
  backTab: '\x1b[Z',
  ctrlC: '\x03',
  wheelUp: '\x1b[<64;10;10M',
  wheelDown: '\x1b[<65;10;10M',
} as const;

/** Runs `evdiag` with these arguments on a terminal; ends it afterwards, whatever happens. */
export async function onTerminal(
  args: readonly string[],
  use: (terminal: TestTerminal) => Promise<void>,
  options: TerminalOptions = {},
): Promise<void> {
  const { columns = 100, rows = 30, env = {}, cwd = ROOT } = options;
  const { NODE_OPTIONS: _, NO_COLOR: __, FORCE_COLOR: ___, ...rest } = process.env;
  const pty = spawn(process.execPath, [join(ROOT, 'bin/evdiag.mjs'), ...args], {
    name: env.TERM ?? 'xterm-256color',
    cols: columns,
    rows,
    cwd,
    env: { ...rest, LC_ALL: 'C.UTF-8', TZ: 'UTC', ...env } as Record<string, string>,
  });
  let running = true;
  try {
    const terminal = follow(pty, columns, rows);
    void terminal.exit.then(() => {
      running = false;
    });
    await use(terminal);
  } finally {
    if (running) pty.kill('SIGKILL');
  }
}

function follow(pty: IPty, columns: number, rows: number): TestTerminal {
  const emulator = new headless.Terminal({ cols: columns, rows, allowProposedApi: true });
  let written = '';
  pty.onData((data) => {
    written += data;
    emulator.write(data);
  });
  const quiet = async (): Promise<void> => {
    for (let seen = -1; seen !== written.length; await setTimeout(QUIET_MS)) seen = written.length;
  };
  // The last of what it wrote may come after it has ended.
  const exit = new Promise<{ exitCode: number; signal: number }>((resolve) =>
    pty.onExit(({ exitCode, signal }) => void quiet().then(() => resolve({ exitCode, signal: signal ?? 0 }))),
  );
  const lines = (): string[] =>
    Array.from({ length: emulator.rows }, (_, y) => {
      const { buffer } = emulator;
      return (
        buffer.active
          .getLine(buffer.active.viewportY + y)
          ?.translateToString(true)
          .trimEnd() ?? ''
      );
    });
  const text = (): string => lines().join('\n');
  const shows = (what: string | RegExp): boolean =>
    typeof what === 'string' ? text().includes(what) : what.test(text());
  const wait = async (what: string | RegExp, wanted: boolean): Promise<void> => {
    const giveUpAt = performance.now() + NEVER_MS;
    while (shows(what) !== wanted) {
      if (performance.now() > giveUpAt) expect.fail(`never ${wanted ? 'came' : 'went'}: ${what}\n${text()}`);
      await setTimeout(POLL_MS);
    }
  };
  const positionOf = (what: string): { column: number; row: number } => {
    const row = lines().findIndex((one) => one.includes(what));
    expect(row, `${what} is not on the screen:\n${text()}`).toBeGreaterThanOrEqual(0);
    return { column: lines()[row]!.indexOf(what), row };
  };
  const click = (column: number, row: number): void =>
    pty.write(`\x1b[<0;${column + 1};${row + 1}M\x1b[<0;${column + 1};${row + 1}m`);
  return {
    pid: pty.pid,
    lines,
    text,
    styleOf(what) {
      const { column, row } = positionOf(what);
      const cell = emulator.buffer.active.getLine(emulator.buffer.active.viewportY + row)!.getCell(column)!;
      return { color: cell.getFgColor(), bold: cell.isBold() !== 0, inverse: cell.isInverse() !== 0 };
    },
    until: (what) => wait(what, true),
    untilGone: (what) => wait(what, false),
    quiet,
    type: (...pieces) => pieces.forEach((piece) => void pty.write(piece)),
    click,
    clickOn(what) {
      const { column, row } = positionOf(what);
      click(column, row);
    },
    resize(nextColumns, nextRows) {
      emulator.resize(nextColumns, nextRows);
      pty.resize(nextColumns, nextRows);
    },
    kill: (signal) => pty.kill(signal),
    written: () => written,
    isAlternate: () => emulator.buffer.active.type === 'alternate',
    exit,
  };
}
