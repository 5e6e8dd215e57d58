import type { Paint } from '../util/terminal.ts';
import { displayPath, stripControl, wrap } from '../util/text.ts';
import { childLists, shortLabel, totalsOf } from './call-tree.ts';
import type { ProfileDiff } from './diff.ts';
import type { Table, TableRow } from './table.ts';
import { formatWeight } from './taken-text.ts';
import type { ProfileUnit, ThreadProfile } from './types.ts';

export interface TextOptions {
  paint: Paint;
  width: number;
  rows: number;
}

const BAR = 10;

/** A row each: bar, share and weight of self, of total, name, place. */
export function tableText(
  { all, rows, grouping }: Table,
  unit: ProfileUnit,
  { paint, width, rows: most }: TextOptions,
): string {
  const top = Math.max(...rows.slice(0, most).map(({ self }) => self), Number.MIN_VALUE);
  const hasTotal = grouping !== 'line';
  const head = `${'self'.padStart(BAR + 17)}  ${hasTotal ? `${'total'.padStart(16)}  ` : ''}${grouping}`;
  const lines = rows.slice(0, most).map((row) => {
    const bar = paint(barOf(row.self / top), row.self / Math.max(all, 1e-9) >= 0.1 ? 'yellow' : 'dim');
    const total = hasTotal ? `${weightText(row.total, all, unit)}  ` : '';
    return `${bar} ${weightText(row.self, all, unit)}  ${total}${nameText(row, paint, width - BAR - 38)}`;
  });
  const more = rows.length > most ? [paint(`… and ${rows.length - most} more: --rows ${rows.length}`, 'dim')] : [];
  return `${[paint(head, 'dim'), ...lines, ...more].join('\n')}\n`;
}

function barOf(share: number): string {
  const eighths = Math.round(Math.max(0, Math.min(1, share)) * BAR * 8);
  const rest = eighths % 8 === 0 ? '' : '▏▎▍▌▋▊▉'[(eighths % 8) - 1];
  return `${'█'.repeat(Math.floor(eighths / 8))}${rest}`.padEnd(BAR);
}

function weightText(weight: number, all: number, unit: ProfileUnit): string {
  const share = all > 0 ? `${((100 * weight) / all).toFixed(1)} %` : '';
  return `${share.padStart(7)} ${formatWeight(weight, unit).padStart(8)}`;
}

function nameText({ name, location }: Pick<TableRow, 'name' | 'location'>, paint: Paint, room: number): string {
  const place = location ? `${displayPath(location.file)}${location.line > 0 ? `:${location.line}` : ''}` : '';
  const shown = stripControl(name);
  const left = Math.max(12, room - shown.length - 2);
  // The end of a place is more informative.
  const end = place.length > left ? `…${place.slice(place.length - left + 1)}` : place;
  return end === '' ? shown : `${shown}  ${paint(stripControl(end), 'dim')}`;
}

/** What grew and what shrank, the largest change first. */
export function diffText(
  { rows, normalised, unit, before, after, caution }: ProfileDiff,
  { paint, width, rows: most }: TextOptions,
): string {
  const value = (weight: number): string =>
    normalised ? `${(100 * weight).toFixed(1)} %` : formatWeight(weight, unit);
  const signed = (weight: number): string => `${weight > 0 ? '+' : weight < 0 ? '−' : ' '}${value(Math.abs(weight))}`;
  const changed = rows.filter(({ selfChange, totalChange }) => selfChange !== 0 || totalChange !== 0);
  const lines = changed.slice(0, most).map((row) => {
    const tone = row.selfChange > 0 ? 'red' : 'green';
    const mark = row.before === null ? 'new' : row.after === null ? 'gone' : '';
    const cells = [row.before ? value(row.before.self) : '', row.after ? value(row.after.self) : ''];
    return `${paint(signed(row.selfChange).padStart(10), tone)} ${cells.map((cell) => cell.padStart(10)).join(' ')}  ${mark.padEnd(4)}  ${nameText(row, paint, width - 42)}`;
  });
  const head = `${'self'.padStart(10)} ${'before'.padStart(10)} ${'after'.padStart(10)}`;
  const sums = `Before ${formatWeight(before, unit)}, after ${formatWeight(after, unit)}${normalised ? '; compared are shares of the whole' : ''}.`;
  const more =
    changed.length > most ? [paint(`… and ${changed.length - most} more: --rows ${changed.length}`, 'dim')] : [];
  const doubt =
    caution === null ? [] : wrap(`${caution} Record for longer.`, width).map((line) => paint(line, 'yellow'));
  return `${[sums, ...doubt, '', paint(head, 'dim'), ...lines, ...more].join('\n')}\n`;
}

/** Parts of the tree below this share of the whole are left out. */
const LEAST_SHARE = 0.01;
const MAX_INDENT = 30;

/** The call tree, the heaviest first; a chain of single calls is not indented. */
export function treeText(thread: ThreadProfile, unit: ProfileUnit, { paint, width, rows: most }: TextOptions): string {
  const totals = totalsOf(thread);
  const all = totals[0]!;
  const { first, next } = childLists(thread);
  const lines: string[] = [];
  const open: { node: number; indent: number }[] = [{ node: 0, indent: -1 }];
  for (let item = open.pop(); item && lines.length < most; item = open.pop()) {
    const { node, indent } = item;
    const frame = thread.frames[thread.frame[node]!];
    if (frame) {
      const label = `${' '.repeat(Math.min(MAX_INDENT, indent))}${stripControl(shortLabel(frame))}`;
      const self = thread.self[node]! / all >= LEAST_SHARE ? `self ${formatWeight(thread.self[node]!, unit)}` : '';
      const room = Math.max(20, width - 32);
      const shown = label.length > room ? `${label.slice(0, room - 1)}…` : label;
      lines.push(`${weightText(totals[node]!, all, unit)}  ${shown}  ${paint(self, 'dim')}`.trimEnd());
    }
    const children: number[] = [];
    for (let child = first[node]!; child >= 0; child = next[child]!)
      if (totals[child]! >= LEAST_SHARE * all) children.push(child);
    const deeper = children.length > 1 || indent < 0 || thread.self[node]! / all >= LEAST_SHARE ? indent + 1 : indent;
    children.sort((a, b) => totals[a]! - totals[b]!);
    for (const child of children) open.push({ node: child, indent: deeper });
  }
  return `${paint('          total', 'dim')}\n${lines.join('\n')}\n`;
}
