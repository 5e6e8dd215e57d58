import { unlistedResources } from '../../../recording/unlisted.ts';
import { formatCount } from '../../../util/text.ts';
import { factLines, placeLines, shortPlace, untracked } from '../facts.ts';
import { lastOf } from '../rows.ts';
import { line, paragraph } from '../text.ts';
import type { Line, Tab, Tools } from '../types.ts';
import { lifeFacts, type Tracked, type TrackedView, trackedItems } from './tracked.ts';

export const handles: Tab = {
  id: 'handles',
  title: 'Handles',
  columns: [
    { title: 'type', width: 22 },
    { title: 'open', width: 7, right: true },
    { title: 'oldest', width: 9, right: true },
    { title: 'opened', width: 8, right: true, from: 100 },
    { title: 'keep alive', width: 10, right: true, from: 120 },
    { title: 'created at' },
  ],
  sortColumn: 1,
  empty: ({ chosen }) =>
    lastOf(chosen, 'unfinished') ? 'Nothing was opened since tracking began.' : untracked(chosen),
  summary({ chosen }, { columns }) {
    const row = lastOf(chosen, 'active-resources');
    if (!row) return [line('No reading of the active resources yet.', 'dim')];
    const counts = Object.entries(row.counts).sort(([, a], [, b]) => b - a);
    const text = counts.map(([type, count]) => `${formatCount(count)} ${type}`).join(' · ');
    const unlisted = unlistedResources(chosen.header.nodeVersion);
    const total = `${formatCount(row.total)} active${text === '' ? '' : `: ${text}`}`;
    return paragraph(unlisted ? `${total} (${unlisted})` : total, columns).slice(0, 3);
  },
  items: ({ chosen }) => trackedItems(chosen, OPEN),
};

const OPEN: TrackedView = {
  id: 'handles',
  what: new Set(['handle', 'listener']),
  columns: [
    typeOf,
    ({ alive }) => alive,
    ({ entry }) => entry.oldestMs,
    ({ entry }) => entry.created,
    ({ entry, alive }) => (alive > 0 ? entry.referenced : 0),
  ],
  times: new Set([2]),
  details: detailLines,
};

function typeOf({ entry: { what, type, detail } }: Tracked): string {
  return (what === 'listener' ? `listener ${detail || type}` : `${type} ${detail}`).trim();
}

function detailLines(tracked: Tracked, tools: Tools): Line[] {
  const { entry } = tracked;
  return [
    ...placeLines(entry.location, tools),
    ...entry.callers.map((caller) => line(`  called from ${shortPlace(caller)}`, 'dim')),
    line(''),
    ...factLines(
      [
        ...lifeFacts(tracked, { are: 'open', begun: 'opened', ended: 'closed' }),
        ['by way of', entry.via.join(', ') || 'no module of Node in between'],
      ],
      tools.columns,
    ),
  ];
}
