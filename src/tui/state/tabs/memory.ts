import type { Recording, RowOf } from '../../../recording/types.ts';
import { formatBytes } from '../../../util/text.ts';
import { factLines, largest, placeLines, shortPlace, trend } from '../facts.ts';
import { rowsOf } from '../rows.ts';
import { line } from '../text.ts';
import type { Item, Tab } from '../types.ts';

type Memory = RowOf<'memory'>;

const TREND_COLUMNS = 40;
/** The rules about memory. */
const SUSPECTS = new Set(['growing-external-memory', 'growing-heap', 'leak-suspect', 'memory-churn']);

const QUANTITIES: readonly { name: string; of: (row: Memory) => number }[] = [
  { name: 'resident set', of: (row) => row.rssBytes },
  { name: 'heap used', of: (row) => row.heapUsedBytes },
  { name: 'heap total', of: (row) => row.heapTotalBytes },
  { name: 'external', of: (row) => row.externalBytes },
  { name: 'array buffers', of: (row) => row.arrayBuffersBytes },
];

export const memory: Tab = {
  id: 'memory',
  title: 'Memory',
  columns: [
    { title: 'what', width: 26 },
    { title: 'now', width: 9, right: true },
    { title: 'least', width: 9, right: true, from: 100 },
    { title: 'most', width: 9, right: true, from: 100 },
    { title: 'trend, or place' },
  ],
  sortColumn: 1,
  empty: () => 'No reading of the memory yet.',
  summary({ chosen, report }) {
    const limit = rowsOf(chosen, 'memory').at(-1)?.heapLimitBytes;
    const after = heapAfterMajor(chosen);
    if (limit === undefined) return [];
    const suspects = (report?.findings ?? []).filter(({ rule }) => SUSPECTS.has(rule));
    const text = after === null ? 'no major collection yet' : `${formatBytes(after)} used after a major collection`;
    // Other tools do not record the limit.
    return [
      line(`heap: ${text}${limit > 0 ? ` · limit ${formatBytes(limit)}` : ''}`, 'dim'),
      ...suspects.map(({ message, severity }) => line(message, severity === 'info' ? 'plain' : 'warn')),
    ];
  },
  items: ({ chosen }) => [...quantities(chosen), ...survivors(chosen), ...allocations(chosen)],
};

/** Used bytes in the second of the last major collection: what is really kept. Null if there was none yet. */
export function heapAfterMajor(recording: Recording): number | null {
  const major = rowsOf(recording, 'gc').findLast(({ majorCount }) => majorCount > 0);
  if (!major) return null;
  return rowsOf(recording, 'memory').find(({ t }) => t >= major.t - 1)?.heapUsedBytes ?? null;
}

function quantities(recording: Recording): Item[] {
  const rows = rowsOf(recording, 'memory');
  const last = rows.at(-1);
  if (!last) return [];
  const spaces = Object.keys(last.spaces).map((space) => ({
    name: `space ${space.replaceAll('_', ' ').replace(/ space$/, '')}`,
    of: (row: Memory) => (Object.hasOwn(row.spaces, space) ? row.spaces[space]! : 0),
  }));
  return [...QUANTITIES, ...spaces].map(({ name, of }, i) => {
    const all = rows.map(of);
    const [now, least, most] = [of(last), -largest(all.map((value) => -value)), largest(all)];
    return {
      key: name,
      cells: () => [
        name,
        formatBytes(now),
        formatBytes(least),
        formatBytes(most),
        trend(recording, 'memory', of, TREND_COLUMNS),
      ],
      value: (column) => [name, now, least, most, now - least][column]!,
      tone: i < QUANTITIES.length ? 'plain' : 'dim',
      location: null,
      details: ({ columns }) =>
        factLines(
          [
            [name, formatBytes(now)],
            ['least', formatBytes(least)],
            ['most', formatBytes(most)],
            ['trend', trend(recording, 'memory', of, columns - 10)],
          ],
          columns,
        ),
    } satisfies Item;
  });
}

/** Sampled allocations that are still alive after a collection, by function. */
function survivors(recording: Recording): Item[] {
  const sites = rowsOf(recording, 'allocations').at(-1)?.sites ?? [];
  return sites.map(({ location, line: only, aliveBytes, olderBytes, samples }) => {
    const place = only ? { ...location, line: only.line, column: only.column } : location;
    return {
      key: `alive ${location.file}:${location.line}:${location.column}`,
      cells: () => ['allocated, still alive', formatBytes(aliveBytes), '', '', shortPlace(place)],
      value: (column) => ['allocated, still alive', aliveBytes, 0, 0, shortPlace(place)][column]!,
      tone: 'strong',
      location: place,
      details: (tools) => [
        ...factLines(
          [
            ['still alive', `${formatBytes(aliveBytes)}, by ${samples} samples`],
            ['of it from the first half', formatBytes(olderBytes)],
          ],
          tools.columns,
        ),
        ...placeLines(place, tools),
      ],
    } satisfies Item;
  });
}

/** Of the last deep sample with allocations. */
function allocations(recording: Recording): Item[] {
  const deepSample = rowsOf(recording, 'deep-sample').findLast((row) => row.allocations !== null);
  return (deepSample?.allocations ?? []).map(({ bytes, location }) => ({
    key: `allocated ${location.file}:${location.line}:${location.column}`,
    cells: () => ['allocated, last sample', formatBytes(bytes), '', '', shortPlace(location)],
    value: (column) => ['allocated', bytes, 0, 0, shortPlace(location)][column]!,
    tone: 'accent',
    location,
    details: (tools) => placeLines(location, tools),
  }));
}
