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
import { line, paragraph } from '../text.ts';
import type { Item, Line, Tab, Tools } from '../types.ts';

const HANDLES = new Set(['handle', 'listener']);

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
  empty: ({ chosen }) => (lastOf(chosen, 'unfinished') ? 'Nothing was opened since tracking began.' : NEEDS_DIAGNOSE),
  summary({ chosen }, { columns }) {
    const row = lastOf(chosen, 'active-resources');
    if (!row) return [line('No reading of the active resources yet.', 'dim')];
    const counts = Object.entries(row.counts).sort(([, a], [, b]) => b - a);
    const text = counts.map(([type, count]) => `${formatCount(count)} ${type}`).join(' · ');
    return paragraph(`${formatCount(row.total)} active${text === '' ? '' : `: ${text}`}`, columns).slice(0, 3);
  },
  items: ({ chosen }) => trackedEntries(chosen, HANDLES).map(toItem),
};

function toItem(tracked: Tracked): Item {
  const { entry, gone } = tracked;
  const type = entry.what === 'listener' ? `listener ${entry.detail || entry.type}` : `${entry.type} ${entry.detail}`;
  const alive = gone ? 0 : entry.alive;
  return {
    key: entryKey(entry),
    cells: [
      type.trim(),
      formatCount(alive),
      alive > 0 ? formatMs(entry.oldestMs) : '',
      formatCount(entry.created),
      formatCount(gone ? 0 : entry.referenced),
      shortPlace(entry.location),
    ],
    values: [type, alive, entry.oldestMs, entry.created, entry.referenced, shortPlace(entry.location)],
    tone: alive > 0 ? 'plain' : 'dim',
    location: entry.location,
    details: (tools) => detailLines(tracked, tools),
  };
}

function detailLines({ entry }: Tracked, tools: Tools): Line[] {
  return [
    ...placeLines(entry.location, tools),
    ...entry.callers.map((caller) => line(`  called from ${shortPlace(caller)}`, 'dim')),
    line(''),
    ...factLines(
      [
        ['open', `${formatCount(entry.alive)}, at most ${formatCount(entry.peak)} at once`],
        ['oldest', formatMs(entry.oldestMs)],
        ['opened', `${formatCount(entry.created)} since tracking began, ${formatCount(entry.ended)} closed`],
        ['longest that closed', entry.endedMaxMs === null ? 'none has' : formatMs(entry.endedMaxMs)],
        ['by way of', entry.via.join(', ') || 'nothing of Node in between'],
      ],
      tools.columns,
    ),
  ];
}
