/** The verdicts as a table for the terminal and as a page. Pure. */
import type { SickVerdict } from './judge.ts';
import type { Level } from './programs.ts';

/** One Node at one level. */
export interface Column {
  major: string;
  level: Level;
}

export interface Row {
  name: string;
  from: readonly string[];
  /** By column: a verdict, why it was not run, or null where it was not run. */
  sick: (SickVerdict | string | null)[];
  /** By column: false alarms, why it was not run, or null where it was not run or there is no such variant. */
  cured: (string[] | string | null)[];
}

export interface Field {
  columns: readonly Column[];
  rows: readonly Row[];
  command: string;
  /** Loads of the machine and times of the runs, per column. */
  circumstances: readonly string[];
}

interface Sums {
  sick: number;
  found: number;
  located: number;
  worded: number;
  cured: number;
  alarms: number;
}

export function sumsOf(rows: readonly Row[], column: number): Sums {
  const sums = { sick: 0, found: 0, located: 0, worded: 0, cured: 0, alarms: 0 };
  for (const { sick, cured } of rows) {
    const verdict = sick[column];
    if (verdict !== null && typeof verdict === 'object') {
      sums.sick++;
      sums.found += Number(verdict.found);
      sums.located += Number(verdict.located);
      sums.worded += Number(verdict.found && verdict.worded);
    }
    const alarms = cured[column];
    if (Array.isArray(alarms)) {
      sums.cured++;
      sums.alarms += Number(alarms.length > 0);
    }
  }
  return sums;
}

function sickText(verdict: SickVerdict | string | null | undefined): string {
  if (verdict === null || verdict === undefined) return '';
  if (typeof verdict === 'string') return 'skipped';
  if (!verdict.found && verdict.atLine) return 'other, line';
  if (!verdict.found) return verdict.told.length > 0 ? 'other' : '–';
  return ['found', ...(verdict.located ? ['line'] : []), ...(verdict.worded ? ['words'] : [])].join(', ');
}

function curedText(alarms: string[] | string | null | undefined): string {
  if (alarms === null || alarms === undefined) return '';
  if (typeof alarms === 'string') return 'skipped';
  return alarms.length > 0 ? 'ALARM' : 'silent';
}

const columnName = ({ major, level }: Column): string => `${level}, Node ${major}`;

/** Aligned, for the terminal. */
export function plainTable({ columns, rows }: Field): string {
  const head = ['program', ...columns.flatMap((column) => [columnName(column), 'cured'])];
  const lines = rows.map(({ name, sick, cured }) => [
    name,
    ...columns.flatMap((_, i) => [sickText(sick[i]), curedText(cured[i])]),
  ]);
  const widths = head.map((cell, i) => Math.max(cell.length, ...lines.map((line) => line[i]!.length)));
  const aligned = [head, ...lines].map((line) =>
    line
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd(),
  );
  return `${[...aligned, '', ...columns.map((column, i) => sumText(column, sumsOf(rows, i)))].join('\n')}\n`;
}

function sumText(column: Column, { sick, found, located, worded, cured, alarms }: Sums): string {
  return `${columnName(column)}: found ${found} of ${sick}, at the line ${located}, right words ${worded}; false alarms in ${alarms} of ${cured} cured`;
}

const INTRODUCTION = [
  '# Programs from the field',
  '',
  'Small programs rebuilt from public issues of Node.js libraries, with the real libraries, against stand-in or real servers.',
  'What is true of each was written down before evdiag saw it, in `test/field/answers.json`, and guilty lines carry a comment. “found”: a rule of the',
  'answer fired; “line”: at a guilty line; “words”: its text says what the answer asks for; “other”: only something else was reported, “other, line”: at a guilty line; “–”: nothing.',
  'Most programs have a cured variant, of which nothing may be reported. A command writes this page, from recordings judged by the rules of the present build:',
];

export function fieldPage(field: Field): string {
  const { columns, rows, command, circumstances } = field;
  const names = columns.map(columnName);
  return `${[
    ...INTRODUCTION,
    '',
    `\`${command}\``,
    '',
    ...circumstances.map((line) => `- ${line}`),
    '',
    '| | found | at the line | right words | false alarms |',
    '|---|---|---|---|---|',
    ...columns.map((column, i) => {
      const { sick, found, located, worded, cured, alarms } = sumsOf(rows, i);
      return `| ${columnName(column)} | ${found} of ${sick} | ${located} | ${worded} | in ${alarms} of ${cured} |`;
    }),
    '',
    '## Sick',
    '',
    `| program | from | ${names.join(' | ')} |`,
    `|---|---|${names.map(() => '---|').join('')}`,
    ...rows.map(
      ({ name, from, sick }) =>
        `| ${name} | ${from.join(', ')} | ${columns.map((_, i) => sickText(sick[i])).join(' | ')} |`,
    ),
    '',
    ...detailsOf(field),
  ].join('\n')}\n`;
}

function detailsOf({ columns, rows }: Field): string[] {
  const lists = columns.map((column, i) => ({
    column,
    alarms: rows.flatMap(({ name, cured }) => {
      const alarms = cured[i];
      return Array.isArray(alarms) && alarms.length > 0 ? [`- ${name}: ${alarms.join('; ')}`] : [];
    }),
    beside: rows.flatMap(({ name, sick }) => {
      const verdict = sick[i];
      const beside = verdict !== null && typeof verdict === 'object' ? verdict.beside : [];
      return beside.length > 0 ? [`- ${name}: ${beside.join('; ')}`] : [];
    }),
  }));
  return lists.flatMap(({ column, alarms, beside }) => [
    ...(alarms.length > 0 ? [`## False alarms, ${columnName(column)}`, '', ...alarms, ''] : []),
    ...(beside.length > 0
      ? [`## Reported of sick programs beside the answer, ${columnName(column)}`, '', ...beside, '']
      : []),
  ]);
}
