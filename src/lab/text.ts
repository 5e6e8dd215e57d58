import type { Paint, Style } from '../util/terminal.ts';
import { formatBytes, formatCount, formatMs, formatNs, plural, stripControl, wrap } from '../util/text.ts';
import type { Lab, LabColumn, LabResult, LabRow } from './types.ts';

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

/** How a figure is shown, and the step of a logarithmic chart: decades, and of bytes what ends at round numbers. */
const UNITS: Record<LabColumn['unit'], { format: (value: number) => string; step: number }> = {
  ns: { format: formatNs, step: 10 },
  ms: { format: formatMs, step: 10 },
  bytes: { format: formatBytes, step: 32 },
  count: { format: formatCount, step: 10 },
  perSecond: { format: (value) => `${formatCount(value)}/s`, step: 10 },
};
/** With a larger ratio, a linear chart would show only the longest bar. */
const LINEAR_RATIO = 200;

const GAP = '  ';
const REPORTED = 'field reports';
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
    ...wrap(`${lab.id}: ${lab.title}`, width).map((line) => line.replace(`${lab.id}:`, `${paint(lab.id, 'bold')}:`)),
    ...wrap(where, width).map((line) => paint(line, 'dim')),
    '',
    ...tableLines(columnsWithin(lab, result.rows, width), paint),
    ...gaps.flatMap((gap) => wrap(gap, width)).map((line) => paint(line, 'yellow')),
    '',
    ...result.conclusions.flatMap((sentence) => wrap(sentence, width)),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

/** What is dropped first comes last in `importance`. */
function columnsOf(lab: Lab, rows: readonly LabRow[]): { column: Column; importance: number }[] {
  const [main, ...others] = lab.columns;
  const text = (heading: string, align: Column['align'], cells: string[], style?: Style): Column => ({
    ...{ heading, align, cells, ...(style && { style }) },
  });
  const figures = ({ key, heading, unit }: LabColumn): Column =>
    text(
      heading,
      'right',
      rows.map(({ figures }) => formatFigure(figures[key], unit)),
    );
  const { spread } = main;
  return [
    {
      column: text(
        '',
        'left',
        rows.map(({ title }) => title),
        'bold',
      ),
      importance: 0,
    },
    { column: figures(main), importance: 0 },
    ...(spread
      ? [
          {
            column: text(
              spread.heading,
              'right',
              rows.map((row) => spreadText(row, main)),
            ),
            importance: 4,
          },
        ]
      : []),
    {
      column: text(
        lab.baseline.heading,
        'right',
        rows.map((row) => timesText(lab, rows, row)),
      ),
      importance: 1,
    },
    ...others.map((column) => ({ column: figures(column), importance: 2 })),
    ...(rows.some(({ reported }) => reported !== undefined)
      ? [
          {
            column: text(
              REPORTED,
              'right',
              rows.map(({ reported }) => reported ?? ''),
              'dim',
            ),
            importance: 3,
          },
        ]
      : []),
  ];
}

/** Drops the least important ones until the others fit, and adds a chart where there is room. */
function columnsWithin(lab: Lab, rows: readonly LabRow[], width: number): Column[] {
  let kept = columnsOf(lab, rows);
  const used = (): number => kept.reduce((sum, { column }) => sum + widthOf(column) + GAP.length, 0);
  for (const least of [4, 3, 2, 1]) {
    if (used() - GAP.length > width) kept = kept.filter(({ importance }) => importance < least);
  }
  const columns = kept.map(({ column }) => column);
  const room = Math.min(MAX_CHART, width - used());
  return room < MIN_CHART || rows.length === 0 ? columns : [...columns, chart(lab.columns[0], rows, room)];
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

/** Of what was not measured, nothing. */
function formatFigure(value: number | undefined, unit: LabColumn['unit']): string {
  return value === undefined || Number.isNaN(value) ? '' : UNITS[unit].format(value);
}

/** "81–96 ns", "0.9 µs–1.2 ms", "41 200–43 100/s". */
function spreadText({ figures }: LabRow, { spread, unit }: LabColumn): string {
  const [from = '', to = ''] = [spread?.low, spread?.high].map((key) => formatFigure(figures[key ?? ''], unit));
  const end = /(?: [^\d ]+|\/s)$/;
  const ends = end.exec(from)?.[0];
  return ends !== undefined && ends === end.exec(to)?.[0] ? `${from.slice(0, -ends.length)}–${to}` : `${from}–${to}`;
}

function timesText(lab: Lab, rows: readonly LabRow[], row: LabRow): string {
  const { key } = lab.columns[0];
  const base = rows.find(({ id }) => id === (row.baseline ?? lab.baseline.id))?.figures[key];
  return base === undefined ? '' : formatTimes(row.figures[key]! / base);
}

/** Two digits: the baseline is not known better than that. */
function formatTimes(times: number): string {
  return times < 9.95 ? String(Number(times.toFixed(1))) : formatCount(Number(times.toPrecision(2)));
}

/** Bars from 0, or on a logarithmic scale where from the shortest to the longest it is too far. */
function chart({ key, unit }: LabColumn, rows: readonly LabRow[], width: number): Column {
  const values = rows.map(({ figures }) => figures[key]!);
  const most = Math.max(...values);
  const { format, step } = UNITS[unit];
  if (most / Math.min(...values) < LINEAR_RATIO) {
    const cells = values.map((value) => bar((value / most) * width));
    return { heading: scaleText('0', format(most), '', width), align: 'left', cells, style: 'cyan' };
  }
  const logs = values.map((value) => Math.log(Math.max(1e-3, value)) / Math.log(step));
  const low = Math.floor(Math.min(...logs));
  const high = Math.max(low + 1, Math.ceil(Math.max(...logs)));
  const cells = logs.map((log) => bar(((log - low) / (high - low)) * width));
  const heading = scaleText(format(step ** low), format(step ** high), 'log scale', width);
  return { heading, align: 'left', cells, style: 'cyan' };
}

/** "1 ns     log scale     100 ms" over the chart. */
function scaleText(from: string, to: string, scale: string, width: number): string {
  const room = width - from.length - to.length;
  const name = [scale, 'log'].find((text) => text.length + 2 <= room && (scale !== '' || text === ''));
  if (name === undefined) return scale.slice(0, width);
  const before = Math.floor((room - name.length) / 2);
  return `${from}${' '.repeat(before)}${name.padEnd(room - before)}${to}`;
}

/** At least an eighth of a cell: a bar that is not there would look like a missing one. */
function bar(cells: number): string {
  const eighths = Math.max(1, Math.round(cells * 8));
  return '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
}
