import { formatCount, formatMs } from '../../../util/text.ts';
import {
  entryKey,
  factLines,
  lastOf,
  NEEDS_DIAGNOSE,
  placeLines,
  shortPlace,
  type Tracked,
  trackedEntries,
} from '../facts.ts';
import { line, span } from '../text.ts';
import type { Item, Line, Tab, Tools } from '../types.ts';

const SUSPENDED = new Set(['await']);

export const async: Tab = {
  id: 'async',
  title: 'Async',
  columns: [
    { title: 'pending', width: 8, right: true },
    { title: 'oldest', width: 9, right: true },
    { title: 'begun', width: 8, right: true, from: 100 },
    { title: 'lost', width: 6, right: true, from: 100 },
    { title: 'awaits', width: 34, from: 140 },
    { title: 'suspended at' },
  ],
  sortColumn: 0,
  empty: ({ chosen }) => (lastOf(chosen, 'unfinished') ? 'No call is suspended.' : NEEDS_DIAGNOSE),
  summary({ chosen }) {
    const row = lastOf(chosen, 'unfinished');
    if (!row) return [];
    const dropped = row.dropped > 0 ? ` · ${formatCount(row.dropped)} places there was no room for` : '';
    const text = `${formatCount(row.promises)} promises in the last ${formatMs(row.intervalMs)}`;
    return [line(`${text} · tracked for ${formatMs(row.trackedMs)}${dropped}`, 'dim')];
  },
  items: ({ chosen }) => trackedEntries(chosen, SUSPENDED).map(toItem),
};

function toItem(tracked: Tracked): Item {
  const { entry, gone } = tracked;
  const alive = gone ? 0 : entry.alive;
  const place = shortPlace(entry.location);
  return {
    key: entryKey(entry),
    cells: [
      formatCount(alive),
      alive > 0 ? formatMs(entry.oldestMs) : '',
      formatCount(entry.created),
      formatCount(entry.lost),
      entry.code ?? '',
      place,
    ],
    values: [alive, entry.oldestMs, entry.created, entry.lost, entry.code ?? '', place],
    tone: alive > 0 ? 'plain' : 'dim',
    location: entry.location,
    details: (tools) => detailLines(tracked, tools),
  };
}

function detailLines({ entry }: Tracked, tools: Tools): Line[] {
  const tree = [entry.location, ...entry.callers].filter((place) => place !== null);
  return [
    ...placeLines(entry.location, tools),
    line(''),
    line('Await tree, the outermost first', 'strong'),
    ...tree
      .reverse()
      .map((place, depth) => [
        span(depth === 0 ? '' : `${'   '.repeat(depth - 1)}└─ `, 'dim'),
        span(shortPlace(place), depth === tree.length - 1 ? 'accent' : 'plain'),
      ]),
    line(''),
    ...factLines(
      [
        ['awaits', entry.code ?? 'told once a call is old'],
        ['made by', entry.madeBy ? `${entry.madeBy.type} ${shortPlace(entry.madeBy.location)}` : 'not followed'],
        ['pending', `${formatCount(entry.alive)}, at most ${formatCount(entry.peak)} at once`],
        ['oldest', formatMs(entry.oldestMs)],
        ['begun', `${formatCount(entry.created)} since tracking began, ${formatCount(entry.ended)} ended`],
        ['longest that ended', entry.endedMaxMs === null ? 'none has' : formatMs(entry.endedMaxMs)],
        ['lost', `${formatCount(entry.lost)} collected while pending`],
      ],
      tools.columns,
    ),
  ];
}
