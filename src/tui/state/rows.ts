/** Rows by their type: each frame uses them many times, and they are the same until new ones come. */

import type { Recording, Row, RowOf, RowType } from '../../recording/types.ts';
import { firstIndex } from '../../util/numbers.ts';

type Index = ReadonlyMap<RowType, readonly Row[]>;

const known = new WeakMap<readonly Row[], Index>();
/** By the first row: in a live view, rows are added to the existing ones. */
const newest = new WeakMap<Row, { rows: readonly Row[]; index: Index }>();

function indexOf(rows: readonly Row[]): Index {
  const found = known.get(rows);
  if (found || !rows[0]) return found ?? new Map();
  const before = newest.get(rows[0]);
  const goesOn = before && rows.length > before.rows.length && rows[before.rows.length - 1] === before.rows.at(-1);
  const index = goesOn ? added(before.index, rows.slice(before.rows.length)) : added(new Map(), rows);
  known.set(rows, index);
  newest.set(rows[0], { rows, index });
  return index;
}

/** Lists without new rows stay the same. */
function added(index: Index, rows: readonly Row[]): Index {
  const more = new Map<RowType, Row[]>();
  for (const row of rows) {
    const same = more.get(row.type);
    if (same) same.push(row);
    else more.set(row.type, [row]);
  }
  const all = new Map(index);
  for (const [type, list] of more) all.set(type, (index.get(type) ?? []).concat(list));
  return all;
}

/** The rows of one type, in order of time. */
export function rowsOf<T extends RowType>({ rows }: Recording, type: T): readonly RowOf<T>[] {
  return (indexOf(rows).get(type) ?? []) as RowOf<T>[];
}

export function lastOf<T extends RowType>(recording: Recording, type: T): RowOf<T> | undefined {
  return rowsOf(recording, type).at(-1);
}

/** Index of the first row that is later. */
export function after(rows: readonly Row[], t: number): number {
  return firstIndex(rows.length, (i) => rows[i]!.t > t);
}
