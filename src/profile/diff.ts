import { type Grouping, type TableRow, tableOf } from './table.ts';
import type { Profile } from './types.ts';

/** A function, file … in two profiles; shares are of the whole of each, 0..1. */
export interface Difference {
  name: string;
  location: TableRow['location'];
  category: TableRow['category'];
  before: { self: number; total: number } | null;
  after: { self: number; total: number } | null;
  /** after − before, of what is compared. */
  selfChange: number;
  totalChange: number;
}

export interface ProfileDiff {
  grouping: Grouping;
  /** Compared are shares of the whole, or the weights themselves. */
  normalised: boolean;
  unit: Profile['unit'];
  before: number;
  after: number;
  /** The largest change of `self` first. */
  rows: Difference[];
}

/**
 * What differs between two profiles. Functions are the same by name and file: lines move. Normalised, a profile that
 * lasted twice as long is not twice as slow; bytes are compared as they are.
 */
export function diffOf(
  before: Profile,
  after: Profile,
  grouping: Grouping,
  normalised = before.unit !== 'bytes',
): ProfileDiff {
  const [a, b] = [tableOf(before, grouping), tableOf(after, grouping)];
  const [old, young] = [byPlace(a.rows), byPlace(b.rows)];
  const rows: Difference[] = [];
  for (const key of new Set([...old.keys(), ...young.keys()])) {
    const [was, is] = [old.get(key), young.get(key)];
    const from = scaled(was, normalised ? a.all : 1);
    const to = scaled(is, normalised ? b.all : 1);
    const { name, location, category } = (is ?? was)!;
    rows.push({
      name,
      location,
      category,
      before: from,
      after: to,
      selfChange: (to?.self ?? 0) - (from?.self ?? 0),
      totalChange: (to?.total ?? 0) - (from?.total ?? 0),
    });
  }
  rows.sort(
    (x, y) => Math.abs(y.selfChange) - Math.abs(x.selfChange) || Math.abs(y.totalChange) - Math.abs(x.totalChange),
  );
  return { grouping, normalised, unit: after.unit, before: a.all, after: b.all, rows };
}

function scaled(row: TableRow | undefined, all: number): { self: number; total: number } | null {
  if (!row) return null;
  const by = all > 0 ? all : 1;
  return { self: row.self / by, total: row.total / by };
}

/** Functions of one name in one file are one. */
function byPlace(rows: readonly TableRow[]): Map<string, TableRow> {
  const places = new Map<string, TableRow>();
  for (const row of rows) {
    const key = `${row.name}|${row.location?.file ?? ''}`;
    const known = places.get(key);
    if (known) places.set(key, { ...known, self: known.self + row.self, total: known.total + row.total });
    else places.set(key, row);
  }
  return places;
}
