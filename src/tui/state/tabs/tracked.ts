/** Shared by the tabs of things that are followed until they end: suspended calls, handles, listeners. */
import type { Recording, RowOf } from '../../../recording/types.ts';
import { formatCount, formatMs } from '../../../util/text.ts';
import { shortPlace } from '../facts.ts';
import { lastOf, rowsOf } from '../rows.ts';
import type { Item, Line, Tools } from '../types.ts';

/** How long recent things that are gone stay visible, dimmed. */
const FADING_MS = 5000;

type Entry = RowOf<'unfinished'>['entries'][number];

export interface Tracked {
  entry: Entry;
  /** How many of them there are now. */
  alive: number;
}

/** A tab's way to show them. */
export interface TrackedView {
  id: string;
  what: ReadonlySet<Entry['what']>;
  /** A number is shown as a count. */
  columns: readonly ((tracked: Tracked) => string | number)[];
  /** Columns of times, in ms. */
  times: ReadonlySet<number>;
  details(tracked: Tracked, tools: Tools): Line[];
}

/** Made once for the newest row with them, whatever other rows come meanwhile. */
const made = new WeakMap<RowOf<'unfinished'>, Map<string, { from: number; items: readonly Item[] }>>();

export function trackedItems(recording: Recording, view: TrackedView): readonly Item[] {
  const newest = lastOf(recording, 'unfinished');
  if (!newest) return [];
  const rows = rowsOf(recording, 'unfinished');
  const recent = rows.slice(rows.findIndex(({ t }) => newest.t - t <= FADING_MS));
  const known = made.get(newest) ?? new Map<string, { from: number; items: readonly Item[] }>();
  made.set(newest, known);
  const before = known.get(view.id);
  const from = recent[0]!.t;
  if (before?.from === from) return before.items;
  const items = entriesOf(recent, view.what).map(([key, tracked]) => toItem(key, tracked, view));
  known.set(view.id, { from, items });
  return items;
}

/** The entries of the newest row, and those that were there a moment ago. */
function entriesOf(rows: readonly RowOf<'unfinished'>[], what: TrackedView['what']): [string, Tracked][] {
  const found = new Map<string, Tracked>();
  for (const row of rows) {
    for (const entry of row.entries) {
      if (what.has(entry.what)) found.set(keyOf(entry), { entry, alive: row === rows.at(-1) ? entry.alive : 0 });
    }
  }
  return [...found];
}

function keyOf({ what, type, detail, location, resumed, callers }: Entry): string {
  const places = [location, ...callers].map((place) => `${place?.file}:${place?.line}:${place?.column}`);
  return `${what} ${type} ${detail} ${resumed} ${places.join(' ')}`;
}

function toItem(key: string, tracked: Tracked, { columns, times, details }: TrackedView): Item {
  const { entry, alive } = tracked;
  const place = (): string => shortPlace(entry.location);
  return {
    key,
    cells: () => [
      ...columns.map((column, i) => {
        const value = column(tracked);
        if (typeof value === 'string') return value;
        return times.has(i) ? (alive > 0 ? formatMs(value) : '') : formatCount(value);
      }),
      place(),
    ],
    // After the columns comes the place.
    value: (column) => columns[column]?.(tracked) ?? place(),
    tone: alive > 0 ? 'plain' : 'dim',
    location: entry.location,
    details: (tools) => details(tracked, tools),
  };
}

/** How many there are, and how long they last, for the details; `words` for what begins and ends them. */
export function lifeFacts(
  { entry }: Tracked,
  words: { are: string; begun: string; ended: string },
): [string, string][] {
  return [
    [words.are, `${formatCount(entry.alive)}, at most ${formatCount(entry.peak)} at once`],
    ['oldest', formatMs(entry.oldestMs)],
    [words.begun, `${formatCount(entry.created)} since tracking began, ${formatCount(entry.ended)} ${words.ended}`],
    [`longest that ${words.ended}`, entry.endedMaxMs === null ? 'none has' : formatMs(entry.endedMaxMs)],
  ];
}
