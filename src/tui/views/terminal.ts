/** The only file that uses blessed (https://github.com/chjj/blessed, unmaintained): its bugs are worked around here. */
import blessed from 'blessed';

export interface TerminalEvents {
  /** A printable character, or a name such as `up`, `pagedown`, `S-tab`, `C-c`. */
  onKey(key: string): void;
  onMouse(kind: 'click' | 'wheelup' | 'wheeldown', column: number, row: number): void;
  onResize(columns: number, rows: number): void;
}

export interface Terminal {
  columns: number;
  rows: number;
  /** Shows the text; writes nothing if nothing changed. */
  draw(content: string): void;
  /** Writes a sequence as it is. */
  send(sequence: string): void;
  /** Restores the terminal; once. */
  close(): void;
}

/** What blessed puts on the process: its signal handlers exit with 0. */
const HANDLED = ['uncaughtException', 'SIGTERM', 'SIGINT', 'SIGQUIT', 'exit'] as const;

const MOUSE_REPORT = /\x1b\[<\d+;\d+;\d+[Mm]/g;

interface BlessedProgram {
  _bindMouse(text: string, data: Buffer): void;
  _write(text: string): void;
  flush(): void;
}

/** Takes the terminal over. */
export function openTerminal({ onKey, onMouse, onResize }: TerminalEvents): Terminal {
  // Line-drawing characters are sent directly, not by switching character sets.
  process.env.NCURSES_NO_UTF8_ACS ??= '1';
  // Its terminfo reader is older than ncurses 6 and breaks on newer files: make it use its own.
  (blessed as unknown as { tput: { ipaths: string[] } }).tput.ipaths = [];
  const before = new Map(HANDLED.map((event) => [event, process.listeners(event as 'exit')]));
  const screen = blessed.screen({
    terminal: 'xterm-256color',
    forceUnicode: true,
    fullUnicode: true,
    warnings: false,
    title: 'evdiag',
  });
  for (const event of HANDLED) {
    const known = before.get(event)!;
    for (const listener of process.listeners(event as 'exit')) {
      if (!known.includes(listener)) process.removeListener(event, listener);
    }
  }
  const box = blessed.box({ parent: screen, top: 0, left: 0, width: '100%', height: '100%', wrap: false, tags: false });
  const program = screen.program as unknown as BlessedProgram;
  reportEachMouseEvent(program);
  screen.on('keypress', (char: string | undefined, key: { full?: string; name?: string } | undefined) => {
    const name = keyName(char, key);
    if (name !== null) onKey(name);
  });
  screen.on('mouse', ({ action, x, y }: { action: string; x: number; y: number }) => {
    if (action === 'mousedown') onMouse('click', x, y);
    else if (action === 'wheelup' || action === 'wheeldown') onMouse(action, x, y);
  });
  screen.enableMouse();
  const size = (): [number, number] => [Number(screen.width), Number(screen.height)];
  screen.on('resize', () => onResize(...size()));

  let drawn: string | null = null;
  let closed = false;
  const [columns, rows] = size();
  return {
    columns,
    rows,
    draw(content) {
      const key = `${size().join('×')}\n${content}`;
      if (closed || key === drawn) return;
      drawn = key;
      box.setContent(content);
      screen.render();
    },
    send(sequence) {
      if (closed) return;
      program.flush();
      program._write(sequence);
      program.flush();
    },
    close() {
      if (closed) return;
      closed = true;
      screen.destroy();
    },
  };
}

/** Of several events that arrive together, as from a wheel, blessed handles only the first. */
function reportEachMouseEvent(program: BlessedProgram): void {
  const one = program._bindMouse;
  program._bindMouse = function (text, data) {
    const reports = text.match(MOUSE_REPORT);
    if (!reports) one.call(this, text, data);
    else for (const report of reports) one.call(this, report, Buffer.from(report));
  };
}

function keyName(char: string | undefined, key: { full?: string; name?: string } | undefined): string | null {
  if (char !== undefined && /^[ -~]$/.test(char)) return char;
  // Enter comes as `return` and as `enter`.
  if (!key || key.name === 'return' || key.name === 'mouse') return null;
  return key.full === 'linefeed' ? 'enter' : (key.full ?? null);
}
