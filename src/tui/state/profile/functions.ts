/** The rows of the table of functions. */
import { tableOf } from '../../../profile/table.ts';
import { formatWeight } from '../../../profile/taken-text.ts';
import type { ProfileCategory, ProfileFrame, ProfileUnit, ThreadProfile } from '../../../profile/types.ts';
import type { Location } from '../../../recording/types.ts';
import { displayPath, stripControl } from '../../../util/text.ts';
import type { Column, Item, Tone } from '../types.ts';
import { functionDetails } from './details.ts';

export const FUNCTION_COLUMNS: readonly Column[] = [
  { title: 'self %', width: 7, right: true },
  { title: 'self', width: 9, right: true },
  { title: 'total %', width: 8, right: true },
  { title: 'total', width: 9, right: true, from: 100 },
  { title: 'function' },
  { title: 'category', width: 11, from: 120 },
  { title: 'place' },
];
const COLUMN = { selfShare: 0, category: 5 } as const;

/** A function with this share of the time itself is worth examining. */
const HOT_SHARE = 0.1;

/** The user's own code is highlighted; of the rest only what is unusual. */
const CATEGORY_TONE: Record<ProfileCategory, Tone> = {
  ...{ application: 'good', dependency: 'accent', node: 'dim', native: 'dim', v8: 'dim', gc: 'warn', idle: 'dim' },
};

/** The content of a row, in any view. Weights in the profile's unit; null for what does not apply. */
export interface FunctionRow {
  key: string;
  /** As it is shown: with its place in the tree. */
  label: string;
  frame: ProfileFrame;
  self: number | null;
  total: number | null;
}

/** Made once for the part of a profile that is shown. */
const made = new WeakMap<ThreadProfile, readonly Item[]>();

export function functionItems(thread: ThreadProfile, unit: ProfileUnit): readonly Item[] {
  const known = made.get(thread);
  if (known) return known;
  const table = tableOf({ title: '', kind: 'cpu', unit, threads: [thread] }, 'function');
  const items = table.rows.map(({ name, location, category, self, total }) => {
    const { file, line, column } = location ?? { file: '', line: 0, column: 0 };
    const frame: ProfileFrame = { function: name, file, line, column, category: category ?? 'native' };
    return toItem({ key: keyOf(frame), label: name, frame, self, total }, table.all, thread, unit);
  });
  made.set(thread, items);
  return items;
}

function keyOf({ function: name, file, line, column }: ProfileFrame): string {
  return `${name} ${file}:${line}:${column}`;
}

export function toItem(row: FunctionRow, all: number, thread: ThreadProfile, unit: ProfileUnit): Item {
  const { key, label, frame, self, total } = row;
  const location = locationOf(frame);
  const isHot = self !== null && self >= HOT_SHARE * all;
  return {
    key,
    name: stripControl(frame.function) || '(anonymous)',
    cells: () => [
      ...[self, total].flatMap((weight) => (!weight ? ['', ''] : [percent(weight, all), formatWeight(weight, unit)])),
      label,
      frame.category,
      placeOf(frame),
    ],
    searched: () => `${frame.function} ${frame.category} ${frame.file}:${frame.line}`,
    // Called for all 50 000: a path is shortened only when it is shown.
    value: (column) => [self ?? 0, self ?? 0, total ?? 0, total ?? 0, label, frame.category][column] ?? placeOf(frame),
    tone: frame.category === 'application' ? 'plain' : 'dim',
    tones: {
      ...(isHot && { [COLUMN.selfShare]: 'warn' }),
      [COLUMN.category]: CATEGORY_TONE[frame.category],
    },
    location,
    details: (tools) => functionDetails(thread, frame, unit, tools),
  };
}

/** '44.1' */
function percent(weight: number, all: number): string {
  return all > 0 ? ((100 * weight) / all).toFixed(1) : '0.0';
}

/** Null for what has no file, such as the collector. */
function locationOf(frame: ProfileFrame): Location | null {
  const { file, line, column } = frame;
  return file === '' ? null : { file, line, column, function: frame.function };
}

/** 'src/view.ts:12' */
function placeOf({ file, line }: ProfileFrame): string {
  if (file === '') return '';
  return `${displayPath(stripControl(file))}${line > 0 ? `:${line}` : ''}`;
}
