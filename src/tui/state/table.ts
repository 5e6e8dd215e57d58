/** A list with columns, as wide as fits. */
import { tableOf, tabOf } from './state.ts';
import { fitTo, line, span } from './text.ts';
import type { Action, Column, Item, Line, Span, State } from './types.ts';

/** A part of the screen that reacts to the mouse. */
export interface Target {
  row: number;
  from: number;
  to: number;
  action: Action;
}

export interface Body {
  lines: Line[];
  shown: number;
  total: number;
}

export function table(
  state: State,
  summary: readonly Line[],
  items: readonly Item[],
  height: number,
  row: number,
  targets: Target[],
): Body {
  const tab = tabOf(state);
  const { top, index, sortColumn, inverted } = tableOf(state);
  const columns = visibleColumns(tab.columns, state.columns);
  const isTree = tab.isTree?.(state.moment!) === true;
  const last = tab.columns.length - 1;
  const widths = widthsOf(columns, state.columns - 2);
  const shown = Math.max(1, height - summary.length - 1);
  const first = Math.max(0, Math.min(top, items.length - shown));
  let x = 1;
  const titles = columns.map(({ title, right, index: column }, i): Span => {
    const isSorted = column === sortColumn && !isTree;
    const mark = isSorted ? (inverted ? '▲' : '▼') : '';
    const from = x;
    x += widths[i]! + 2;
    targets.push({ row: row + summary.length, from, to: x, action: { type: 'sort', column } });
    return span(`${fitTo(`${title}${mark}`, widths[i]!, { right: right === true })}  `, isSorted ? 'strong' : 'dim');
  });
  const rows = items.slice(first, first + shown).map((item, i): Line => {
    const selected = first + i === Math.min(index, items.length - 1);
    targets.push({
      row: row + summary.length + 1 + i,
      from: 0,
      to: state.columns,
      action: { type: 'item', index: first + i },
    });
    const texts = item.cells(state.atMs);
    const cells = columns.map(({ right, title, index: column }, at) => {
      const isPlace = item.location !== null && (title === 'place' || (column === last && tab.id !== 'findings'));
      return fitTo(texts[column] ?? '', widths[at]!, { right: right === true, keepEnd: isPlace });
    });
    if (selected || !item.tones) return [span(` ${cells.join('  ')} `, selected ? 'selected' : item.tone)];
    return [
      span(' '),
      ...columns.map(({ index: column }, at) => span(`${cells[at]}  `, item.tones![column] ?? item.tone)),
    ];
  });
  const none = items.length === 0 ? [line(' Nothing matches the filter: c clears it.', 'dim')] : [];
  return { lines: [...summary, [span(' '), ...titles], ...rows, ...none], shown, total: items.length };
}

/** The columns that a terminal of that width shows, with their places among all. */
export function visibleColumns(columns: readonly Column[], width: number): (Column & { index: number })[] {
  return columns
    .map((column, index) => ({ ...column, index }))
    .filter(({ from }) => from === undefined || width >= from);
}

function widthsOf(columns: readonly Column[], width: number): number[] {
  let left = columns.reduce((rest, column) => rest - (column.width ?? 0) - 2, width);
  let sharing = columns.filter((column) => column.width === undefined).length;
  return columns.map((column) => {
    if (column.width !== undefined) return column.width;
    const share = Math.max(10, Math.floor(left / sharing--));
    left -= share;
    return share;
  });
}
