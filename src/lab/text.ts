import type { Paint, Style } from '../util/terminal.ts';
import { formatCount, formatNs, plural, stripControl, wrap } from '../util/text.ts';
import type { Lab, LabResult, LabRow } from './types.ts';

/** The machine that the numbers are from. */
export interface Machine {
  /** As in process.version. */
  node: string;
  platform: string;
  arch: string;
  coreCount: number;
  cpu: string;
}

export interface LabTextOptions {
  paint: Paint;
  /** Columns. */
  width: number;
}

interface Column {
  heading: string;
  align: 'left' | 'right';
  cells: string[];
  /** Of the cells; the headings are dim. */
  style?: Style;
}

const GAP = '  ';
const SPREAD = 'p10–p90';
/** A smaller chart shows no difference between one decade and the next. */
const MIN_CHART = 8;
const MAX_CHART = 40;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A lab's table for a terminal; if that is too narrow, the chart is dropped first, then the spread. */
export function labText(lab: Lab, result: LabResult, machine: Machine, { paint, width }: LabTextOptions): string {
  const { node, platform, arch, coreCount, cpu } = machine;
  const where = [`Node.js ${node}`, `${platform} ${arch}`, plural(coreCount, 'core'), stripControl(cpu)].join(' · ');
  const gaps = result.gaps.map(({ title, why }) => `${title}: not measured, ${stripControl(why)}`);
  const lines = [
    `${paint(lab.id, 'bold')}: ${lab.title}`,
    ...wrap(where, width).map((line) => paint(line, 'dim')),
    '',
    ...tableLines(columnsWithin(columnsOf(lab, result.rows), result.rows, width), paint),
    ...gaps.flatMap((gap) => wrap(gap, width)).map((line) => paint(line, 'yellow')),
    '',
    ...result.conclusions.flatMap((sentence) => wrap(sentence, width)),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

function columnsOf(lab: Lab, rows: readonly LabRow[]): Column[] {
  const baseNs = rows.find(({ id }) => id === lab.baseline.id)?.medianNs;
  const times = (row: LabRow) => (baseNs === undefined ? '' : formatTimes(row.medianNs / baseNs));
  return [
    { heading: '', align: 'left', cells: rows.map(({ title }) => title), style: 'bold' },
    { heading: lab.timeHeading, align: 'right', cells: rows.map(({ medianNs }) => formatNs(medianNs)) },
    { heading: SPREAD, align: 'right', cells: rows.map(spreadText) },
    { heading: lab.baseline.heading, align: 'right', cells: rows.map(times) },
  ];
}

function columnsWithin(columns: Column[], rows: readonly LabRow[], width: number): Column[] {
  const used = columns.reduce((sum, column) => sum + widthOf(column) + GAP.length, 0);
  if (used - GAP.length > width) return columns.filter(({ heading }) => heading !== SPREAD);
  const room = Math.min(MAX_CHART, width - used);
  return room < MIN_CHART || rows.length === 0 ? columns : [...columns, chart(rows, room)];
}

function tableLines(columns: readonly Column[], paint: Paint): string[] {
  const heading = columns.map((column) => cellText(column, column.heading, paint, 'dim'));
  const count = columns[0]?.cells.length ?? 0;
  const body = Array.from({ length: count }, (_, row) =>
    columns.map((column) => cellText(column, column.cells[row] ?? '', paint, column.style)),
  );
  return [heading, ...body].map((cells) => cells.join(GAP).trimEnd());
}

function cellText(column: Column, text: string, paint: Paint, style: Style | undefined): string {
  const space = ' '.repeat(widthOf(column) - text.length);
  const painted = style === undefined || text === '' ? text : paint(text, style);
  return column.align === 'right' ? space + painted : painted + space;
}

function widthOf({ heading, cells }: Column): number {
  return Math.max(heading.length, ...cells.map((cell) => cell.length));
}

/** "81–96 ns", "0.9 µs–1.2 ms". */
function spreadText({ p10Ns, p90Ns }: LabRow): string {
  const [low = '', lowUnit] = formatNs(p10Ns).split(' ');
  const [high, highUnit] = formatNs(p90Ns).split(' ');
  return lowUnit === highUnit ? `${low}–${high} ${highUnit}` : `${low} ${lowUnit}–${high} ${highUnit}`;
}

/** Two digits: the baseline is not known better than that. */
function formatTimes(times: number): string {
  return times < 9.95 ? String(Number(times.toFixed(1))) : formatCount(Number(times.toPrecision(2)));
}

/** Bars on a logarithmic scale: from nanoseconds to milliseconds, a linear one would show only the longest. */
function chart(rows: readonly LabRow[], width: number): Column {
  const logs = rows.map(({ medianNs }) => Math.log10(medianNs));
  const low = Math.floor(Math.min(...logs));
  const high = Math.max(low + 1, Math.ceil(Math.max(...logs)));
  const cells = logs.map((log) => bar(((log - low) / (high - low)) * width));
  return { heading: scaleText(low, high, width), align: 'left', cells, style: 'cyan' };
}

/** "1 ns     log scale     100 ms" over the chart. */
function scaleText(low: number, high: number, width: number): string {
  const from = formatNs(10 ** low);
  const to = formatNs(10 ** high);
  const room = width - from.length - to.length;
  const name = ['log scale', 'log'].find((text) => text.length + 2 <= room);
  if (name === undefined) return 'log scale'.slice(0, width);
  const before = Math.floor((room - name.length) / 2);
  return `${from}${' '.repeat(before)}${name.padEnd(room - before)}${to}`;
}

/** At least an eighth of a cell: a bar that is not there would look like a missing one. */
function bar(cells: number): string {
  const eighths = Math.max(1, Math.round(cells * 8));
  return '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
}
