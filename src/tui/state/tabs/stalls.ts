import { type Frame, type Location, type Recording, type RowOf, rowsOf } from '../../../recording/types.ts';
import { formatMs, formatShare } from '../../../util/text.ts';
import { factLines, largest, placeLines, shortPlace } from '../facts.ts';
import { line } from '../text.ts';
import type { Item, Line, Tab, Tools } from '../types.ts';

const MAX_FRAMES = 40;

/** Stalls of one place and kind. */
interface Group {
  kind: string;
  location: Location | null;
  stalls: RowOf<'stall'>[];
  /** Lasts still. */
  open: RowOf<'stall-open'> | null;
  openMs: number;
}

export const stalls: Tab = {
  id: 'stalls',
  title: 'Stalls',
  columns: [
    { title: 'kind', width: 18 },
    { title: 'times', width: 6, right: true },
    { title: 'longest', width: 8, right: true },
    { title: 'total', width: 8, right: true },
    { title: 'last', width: 12, right: true, from: 100 },
    { title: 'on CPU', width: 7, right: true, from: 120 },
    { title: 'place' },
  ],
  sortColumn: 3,
  empty: ({ chosen }) => `No stall: the event loop was never silent for ${formatMs(chosen.header.slowMs)}.`,
  summary: ({ chosen }) => {
    const open = openStall(chosen);
    if (!open) return [];
    const openMs = Math.max(open.durationMs, chosen.durationMs - open.startMs);
    return [
      line(
        `✗ blocked for ${formatMs(openMs)} so far: ${open.kind ?? 'native call'} · ${shortPlace(open.location)}`,
        'bad',
      ),
    ];
  },
  items: ({ chosen, atMs }) => grouped(chosen).map((group) => toItem(group, atMs)),
};

/** The stall that lasts at the end of the recording. */
export function openStall(recording: Recording): RowOf<'stall-open'> | null {
  const last = recording.rows.findLast(({ type }) => type === 'stall' || type === 'stall-open' || type === 'end');
  return last?.type === 'stall-open' ? last : null;
}

function grouped(recording: Recording): Group[] {
  const groups = new Map<string, Group>();
  const groupOf = (kind: string, location: Location | null): Group => {
    const key = `${kind} ${location?.file}:${location?.line}:${location?.column}`;
    const group = groups.get(key) ?? { kind, location, stalls: [], open: null, openMs: 0 };
    groups.set(key, group);
    return group;
  };
  for (const stall of rowsOf(recording, 'stall')) groupOf(stall.kind, stall.location).stalls.push(stall);
  const open = openStall(recording);
  if (open) {
    const group = groupOf(open.kind ?? 'native call', open.location);
    group.open = open;
    group.openMs = Math.max(open.durationMs, recording.durationMs - open.startMs);
  }
  return [...groups.values()];
}

function toItem({ kind, location, stalls: all, open, openMs }: Group, atMs: number): Item {
  const times = all.length + (open ? 1 : 0);
  const maxMs = largest(
    all.map(({ durationMs }) => durationMs),
    openMs,
  );
  const totalMs = all.reduce((sum, { durationMs }) => sum + durationMs, openMs);
  const agoMs = Math.max(0, atMs - (all.at(-1)?.t ?? atMs));
  const known = all.filter(({ cpuMs }) => cpuMs !== null);
  const onCpu =
    known.reduce((sum, { cpuMs }) => sum + cpuMs!, 0) /
    Math.max(
      1,
      known.reduce((sum, { durationMs }) => sum + durationMs, 0),
    );
  const startup = all.length > 0 && all.every((stall) => stall.startup);
  return {
    key: `${kind} ${location?.file}:${location?.line}:${location?.column}`,
    cells: [
      kind,
      String(times),
      formatMs(maxMs),
      formatMs(totalMs),
      open ? 'now' : `${formatMs(agoMs)} ago`,
      known.length > 0 ? formatShare(Math.min(1, onCpu)) : '?',
      shortPlace(location),
    ],
    values: [kind, times, maxMs, totalMs, open ? 1 : -agoMs, onCpu, shortPlace(location)],
    tone: open ? 'bad' : startup ? 'dim' : 'plain',
    location,
    details: (tools) => detailLines(all, open, location, tools),
  };
}

function detailLines(
  all: readonly RowOf<'stall'>[],
  open: RowOf<'stall-open'> | null,
  location: Location | null,
  tools: Tools,
): Line[] {
  const longest = all.reduce<RowOf<'stall'> | null>(
    (best, stall) => (best && best.durationMs >= stall.durationMs ? best : stall),
    null,
  );
  const head = placeLines(location, tools);
  if (!longest) return [...head, line(''), line(`It began at ${formatMs(open?.startMs ?? 0)} and lasts.`)];
  const facts = factLines(
    [
      ['longest', `${formatMs(longest.durationMs)}, at ${formatMs(longest.startMs)}`],
      ['on CPU', longest.cpuMs === null ? 'not known' : formatMs(longest.cpuMs)],
      ['without a core', longest.runQueueMs === null ? 'not known' : formatMs(longest.runQueueMs)],
      ['collector', formatMs(longest.gcMs)],
      ['what waited', longest.waiting === null ? 'not known' : `${longest.waiting} servers, sockets and timers`],
      ['confidence', formatShare(longest.confidence)],
      ...(longest.startup ? ([['start-up', 'modules were being loaded']] as const) : []),
    ],
    tools.columns,
  );
  const stacks = longest.stacks
    .slice(0, 3)
    .flatMap(({ weightMs, frames }) => [
      line(''),
      line(`Stack for ${formatMs(weightMs)}`, 'strong'),
      ...frames.slice(0, MAX_FRAMES).map(frameLine),
    ]);
  return [...head, line(''), ...facts, ...stacks];
}

export function frameLine(frame: Frame): Line {
  const tone = frame.category === 'application' ? 'accent' : 'dim';
  return line(`  ${frame.awaits ? 'awaited by ' : ''}${shortPlace(frame)}:${frame.column}`, tone);
}
