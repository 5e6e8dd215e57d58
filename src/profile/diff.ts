import { formatCount, plural } from '../util/text.ts';
import { type Grouping, type TableRow, tableOf } from './table.ts';
import type { Profile, ThreadProfile } from './types.ts';

/** A function, file … in two profiles; shares are of the whole of each, 0..1. */
interface Difference {
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
  /** Those that are not idle; null if the format does not say. */
  samples: { before: number | null; after: number | null };
  /** A sentence if there are so few samples that shares differ by chance; null if there are enough. */
  caution: string | null;
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
  const samples = { before: sampleCountOf(before), after: sampleCountOf(after) };
  const caution = cautionOf(before, after);
  return { grouping, normalised, unit: after.unit, before: a.all, after: b.all, samples, caution, rows };
}

/** Half the width of the interval that holds the share of a function in 95 of 100 profiles: 1.96 σ of a share of a half. */
const WIDTH = 0.98;
/** Chance that moves a share by less is no reason to wait for a longer profile. */
const MOST_CHANCE = 0.1;

/** "34 samples before, 900 after: by chance alone, a share differs by up to 17 % of the whole."; null where there are enough. */
export function cautionOf(before: Profile, after: Profile): string | null {
  const [was, is] = [sampleCountOf(before), sampleCountOf(after)];
  if (was === null || is === null) return null;
  const chance = WIDTH * Math.sqrt(1 / Math.max(1, was) + 1 / Math.max(1, is));
  if (chance <= MOST_CHANCE) return null;
  const counts = `${plural(was, 'sample')} before, ${formatCount(is)} after`;
  return `${counts}: by chance alone, a share differs by up to ${Math.min(100, Math.round(100 * chance))} % of the whole.`;
}

function sampleCountOf({ threads, unit }: Profile): number | null {
  const counts = threads.map((thread) => countOf(thread, unit));
  return counts.some((count) => count === null) ? null : counts.reduce((sum: number, count) => sum + count!, 0);
}

function countOf({ samples, taken, frame, frames, self }: ThreadProfile, unit: Profile['unit']): number | null {
  const isIdle = (node: number): boolean => frames[frame[node]!]?.category === 'idle';
  if (samples) return samples.node.reduce((count, node) => count + (isIdle(node) ? 0 : 1), 0);
  if (unit === 'samples') return self.reduce((sum, weight, node) => sum + (isIdle(node) ? 0 : weight), 0);
  return taken && taken.sampleCount > 0 ? taken.sampleCount : null;
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
