import { columnsOf, fitTo, inCells, line, span } from '../state/text.ts';
import type { Line } from '../state/types.ts';
import { type Look, painted } from './palette.ts';
import { openTerminal } from './terminal.ts';

export interface Choice {
  label: string;
  /** Beside it, dim. */
  about: string;
}

/** Lets the user choose one; resolves to its index, or null if none is chosen. */
export function choose(title: string, choices: readonly Choice[], look: Look): Promise<number | null> {
  return new Promise((resolve) => {
    let index = 0;
    let [columns, rows] = [0, 0];
    const end = (chosen: number | null): void => {
      process.off('SIGTERM', onSignal).off('SIGHUP', onSignal).off('SIGINT', onSignal);
      terminal.close();
      resolve(chosen);
    };
    const onSignal = (): void => end(null);
    const draw = (): void => terminal.draw(painted(menuLines(title, choices, index, columns, rows), look));
    const move = (by: number): void => {
      index = Math.max(0, Math.min(choices.length - 1, index + by));
      draw();
    };
    const terminal = openTerminal({
      onKey(key) {
        if (key === 'q' || key === 'escape' || key === 'C-c') end(null);
        else if (key === 'enter') end(index);
        else if (Object.hasOwn(MOVES, key)) move(MOVES[key]!);
      },
      onMouse(kind, _column, row) {
        if (kind !== 'click') return move(kind === 'wheelup' ? -1 : 1);
        const clicked = row - HEAD + firstOf(index, choices.length, rows);
        if (row >= HEAD && clicked < choices.length) end(clicked);
      },
      onResize(nextColumns, nextRows) {
        [columns, rows] = [nextColumns, nextRows];
        draw();
      },
    });
    [columns, rows] = [terminal.columns, terminal.rows];
    process.on('SIGTERM', onSignal).on('SIGHUP', onSignal).on('SIGINT', onSignal);
    draw();
  });
}

/** Lines above the first choice. */
const HEAD = 2;
const MOVES: Readonly<Record<string, number>> = {
  ...{ j: 1, down: 1, k: -1, up: -1, pagedown: 10, pageup: -10 },
  ...{
    home: Number.NEGATIVE_INFINITY,
    g: Number.NEGATIVE_INFINITY,
    end: Number.POSITIVE_INFINITY,
    G: Number.POSITIVE_INFINITY,
  },
};

function firstOf(index: number, count: number, rows: number): number {
  const shown = Math.max(1, rows - HEAD - 1);
  return Math.max(0, Math.min(count - shown, index - Math.floor(shown / 2)));
}

function menuLines(title: string, choices: readonly Choice[], index: number, columns: number, rows: number): Line[] {
  const shown = Math.max(1, rows - HEAD - 1);
  const first = firstOf(index, choices.length, rows);
  const width = Math.min(columns - 4, Math.max(...choices.map(({ label }) => columnsOf(inCells(label)))));
  const lines = choices.slice(first, first + shown).map(({ label, about }, i): Line => {
    const rest = Math.max(0, columns - width - 4);
    const text = ` ${fitTo(label, width)}  `;
    return first + i === index
      ? [span(text + fitTo(about, rest), 'selected')]
      : [span(text), span(fitTo(about, rest), 'dim')];
  });
  while (lines.length < shown) lines.push([]);
  return [line(` ${title}`, 'strong'), [], ...lines, line(' ↑ ↓ choose  ⏎ open  q quit', 'dim')];
}
