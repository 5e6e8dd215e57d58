import { formatCount, formatMs } from '../../../util/text.ts';
import { factLines, placeLines, shortPlace, untracked } from '../facts.ts';
import { lastOf } from '../rows.ts';
import { line, span } from '../text.ts';
import type { Line, Tab, Tools } from '../types.ts';
import { lifeFacts, type Tracked, type TrackedView, trackedItems } from './tracked.ts';

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
  empty: ({ chosen }) => (lastOf(chosen, 'unfinished') ? 'No call is suspended.' : untracked(chosen)),
  summary({ chosen }) {
    const row = lastOf(chosen, 'unfinished');
    if (!row) return [];
    const dropped = row.dropped > 0 ? ` · ${formatCount(row.dropped)} places beyond the limit` : '';
    const text = `${formatCount(row.promises)} promises in the last ${formatMs(row.intervalMs)}`;
    return [line(`${text} · tracked for ${formatMs(row.trackedMs)}${dropped}`, 'dim')];
  },
  items: ({ chosen }) => trackedItems(chosen, SUSPENDED),
};

const SUSPENDED: TrackedView = {
  id: 'async',
  what: new Set(['await']),
  columns: [
    ({ alive }) => alive,
    ({ entry }) => entry.oldestMs,
    ({ entry }) => entry.created,
    ({ entry }) => entry.lost,
    ({ entry }) => entry.code ?? '',
  ],
  times: new Set([1]),
  details: detailLines,
};

function detailLines(tracked: Tracked, tools: Tools): Line[] {
  const { entry } = tracked;
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
        ['awaits', entry.code ?? 'known once a call is old'],
        ['made by', entry.madeBy ? `${entry.madeBy.type} ${shortPlace(entry.madeBy.location)}` : 'not followed'],
        ...lifeFacts(tracked, { are: 'pending', begun: 'begun', ended: 'ended' }),
        ['lost', `${formatCount(entry.lost)} collected while pending`],
      ],
      tools.columns,
    ),
  ];
}
