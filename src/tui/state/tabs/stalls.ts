import { confidenceWord } from '../../../detectors/confidence.ts';
import { isIdleWait, ownMs } from '../../../detectors/stalls.ts';
import type { Frame, Location, Recording, RowOf } from '../../../recording/types.ts';
import { formatMs, formatShare } from '../../../util/text.ts';
import { factLines, placeLines, shortPlace } from '../facts.ts';
import { profilesOf, spanOf, spanText } from '../profile/shown.ts';
import { lastOf, rowsOf } from '../rows.ts';
import { line } from '../text.ts';
import type { Item, Line, Moment, Tab, Tools } from '../types.ts';

const MAX_FRAMES = 40;

/** Stalls of one place and kind; never changed, but replaced. */
interface Group {
  key: string;
  kind: string;
  location: Location | null;
  times: number;
  maxMs: number;
  totalMs: number;
  /** When the last of them ended. */
  lastMs: number;
  /** Time on CPU, and the total time for which that is known. */
  cpuMs: number;
  knownMs: number;
  startup: boolean;
  longest: RowOf<'stall'> | null;
  /** Lasts still. */
  open: RowOf<'stall-open'> | null;
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
  empty: ({ chosen }) => `No stall: the event loop was never blocked for ${formatMs(chosen.header.slowMs)}.`,
  summary: (moment) => [...openLines(moment.chosen), ...profileLines(moment)],
  items: ({ chosen }) => itemsOf(chosen),
};

function openLines(recording: Recording): Line[] {
  const open = openStall(recording);
  if (!open) return [];
  const forMs = formatMs(openDurationMs(open, recording.durationMs));
  if (!isBlocked(recording, open)) return [line(`${CALM_WORDS[calmState(open)]} for ${forMs} so far`, 'dim')];
  return [line(`✗ blocked for ${forMs} so far: ${open.kind ?? 'native call'} · ${shortPlace(open.location)}`, 'bad')];
}

/** Stalls about which a profile has more. */
function profileLines(moment: Moment): Line[] {
  if (rowsOf(moment.chosen, 'stall').length === 0) return [];
  const spans = profilesOf(moment).flatMap((of) => spanOf(of, moment.chosen) ?? []);
  if (spans.length === 0) return [];
  const which = spans.length === 1 ? 'a CPU profile' : `${spans.length} CPU profiles, the newest`;
  return [line(`r shows the stall in ${which} from ${spanText(spans[0]!)}`, 'dim')];
}

/** The open stall at the end of the recording. */
export function openStall(recording: Recording): RowOf<'stall-open'> | null {
  const open = lastOf(recording, 'stall-open');
  const closedMs = Math.max(lastOf(recording, 'stall')?.t ?? -1, lastOf(recording, 'end')?.t ?? -1);
  return open && open.t > closedMs ? open : null;
}

/** A worker thread for which nothing waits does its job, or waits for the next one; and time of the host is not the code's. */
export function isBlocked({ header }: Recording, { kind, waiting }: RowOf<'stall-open'>): boolean {
  return kind !== 'host' && (header.threadId === 0 || (waiting ?? 0) > 0);
}

/** For a thread that does not turn its loop and is not blocked. */
export function calmState(open: RowOf<'stall-open'>): 'held' | 'waits' | 'works' {
  if (open.kind === 'host') return 'held';
  return open.kind !== null && isIdleWait({ kind: open.kind, waiting: open.waiting ?? 0 }) ? 'waits' : 'works';
}

const CALM_WORDS = {
  held: 'The host delayed the thread',
  waits: 'The worker thread waits for work',
  works: 'The worker thread was busy',
};

/** What is known about the first stalls stays true when others come: rows are added, rarely removed. */
interface Known {
  groups: Map<string, Group>;
  count: number;
  last: RowOf<'stall'>;
  items: readonly Item[];
}

/** By the first stall. */
const known = new WeakMap<RowOf<'stall'>, Known>();

function itemsOf(recording: Recording): readonly Item[] {
  const open = openStall(recording);
  const rows = rowsOf(recording, 'stall');
  const closed = rows[0] ? knownOf(rows[0], rows, recording.header.threadId !== 0) : null;
  if (!open || !isBlocked(recording, open)) return closed?.items ?? [];
  const lasting = lastingGroup(open, recording.durationMs, closed?.groups);
  return [...(closed?.items ?? []).filter(({ key }) => key !== lasting.key), toItem(lasting)];
}

function knownOf(first: RowOf<'stall'>, rows: readonly RowOf<'stall'>[], isWorker: boolean): Known {
  const before = known.get(first);
  const goesOn = before !== undefined && rows[before.count - 1] === before.last;
  if (goesOn && before.count === rows.length) return before;
  const groups = goesOn ? before.groups : new Map<string, Group>();
  for (const stall of rows.slice(goesOn ? before.count : 0)) {
    if (isWorker && isIdleWait(stall)) continue;
    const key = stallKey(stall);
    groups.set(key, withStall(groups.get(key) ?? emptyGroup(key, stall.kind, stall.location), stall));
  }
  const items = [...groups.values()].map(toItem);
  const now = { groups, count: rows.length, last: rows.at(-1)!, items };
  known.set(first, now);
  return now;
}

/** For the row in which a stall is counted. */
export function stallKey({ kind, location }: RowOf<'stall'>): string {
  return keyOf(kind, location);
}

function keyOf(kind: string, location: Location | null): string {
  return `${kind} ${location?.file}:${location?.line}:${location?.column}`;
}

function emptyGroup(key: string, kind: string, location: Location | null): Group {
  const none = { times: 0, maxMs: 0, totalMs: 0, lastMs: 0, cpuMs: 0, knownMs: 0 };
  return { key, kind, location, ...none, startup: true, longest: null, open: null };
}

function withStall(group: Group, stall: RowOf<'stall'>): Group {
  const { durationMs, cpuMs, kind } = stall;
  // As in the findings: waits for a core or a disk are not the code's.
  const ms = kind === 'host' ? durationMs : ownMs(stall);
  return {
    ...group,
    times: group.times + 1,
    maxMs: Math.max(group.maxMs, ms),
    totalMs: group.totalMs + ms,
    lastMs: stall.t,
    cpuMs: group.cpuMs + (cpuMs ?? 0),
    knownMs: group.knownMs + (cpuMs === null ? 0 : durationMs),
    startup: group.startup && stall.startup,
    longest: group.longest && group.longest.durationMs >= durationMs ? group.longest : stall,
  };
}

function lastingGroup(open: RowOf<'stall-open'>, nowMs: number, groups: Known['groups'] | undefined): Group {
  const kind = open.kind ?? 'native call';
  const key = keyOf(kind, open.location);
  const group = groups?.get(key) ?? emptyGroup(key, kind, open.location);
  const openMs = openDurationMs(open, nowMs);
  return {
    ...group,
    times: group.times + 1,
    maxMs: Math.max(group.maxMs, openMs),
    totalMs: group.totalMs + openMs,
    open,
  };
}

/** So far. */
export function openDurationMs({ durationMs, startMs }: RowOf<'stall-open'>, nowMs: number): number {
  return Math.max(durationMs, nowMs - startMs);
}

const items = new WeakMap<Group, Item>();

function toItem(group: Group): Item {
  const made = items.get(group) ?? newItem(group);
  items.set(group, made);
  return made;
}

function newItem(group: Group): Item {
  const { key, kind, location, times, maxMs, totalMs, lastMs, cpuMs, knownMs, open, startup, longest } = group;
  const onCpu = cpuMs / Math.max(1, knownMs);
  return {
    key,
    name: kind,
    cells: (atMs) => [
      kind,
      String(times),
      formatMs(maxMs),
      formatMs(totalMs),
      open ? 'now' : `${formatMs(Math.max(0, atMs - lastMs))} ago`,
      knownMs > 0 ? formatShare(Math.min(1, onCpu)) : '?',
      shortPlace(location),
    ],
    value: (column) =>
      [kind, times, maxMs, totalMs, open ? Number.MAX_VALUE : lastMs, onCpu][column] ?? shortPlace(location),
    tone: open ? 'bad' : startup && longest ? 'dim' : 'plain',
    location,
    details: (tools) => detailLines(longest, open, location, tools),
  };
}

function detailLines(
  longest: RowOf<'stall'> | null,
  open: RowOf<'stall-open'> | null,
  location: Location | null,
  tools: Tools,
): Line[] {
  const head = placeLines(location, tools);
  if (!longest) return [...head, line(''), line(`It began at ${formatMs(open?.startMs ?? 0)} and is still going on.`)];
  const facts = factLines(
    [
      ['longest', `${formatMs(longest.durationMs)}, at ${formatMs(longest.startMs)}`],
      ['on CPU', longest.cpuMs === null ? 'not known' : formatMs(longest.cpuMs)],
      ['without a core', longest.runQueueMs === null ? 'not known' : formatMs(longest.runQueueMs)],
      ...knownFact('CPU limit', longest.throttledMs),
      ...knownFact('for a disk', longest.diskMs),
      ...knownFact('in the kernel', longest.kernelMs),
      ['collector', formatMs(longest.gcMs)],
      ['what waited', longest.waiting === null ? 'not known' : `${longest.waiting} servers, sockets and timers`],
      ['cause', `${confidenceWord(longest.confidence)} (confidence ${formatShare(longest.confidence)})`],
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

/** Most stalls have none of it. */
function knownFact(label: string, ms: number | undefined): [string, string][] {
  return ms === undefined || ms < 1 ? [] : [[label, formatMs(ms)]];
}

function frameLine(frame: Frame): Line {
  const tone = frame.category === 'application' ? 'accent' : 'dim';
  // V8's own code has no place.
  const place = frame.file === '' ? frame.function : `${shortPlace(frame)}:${frame.column}`;
  return line(`  ${frame.awaits ? 'awaited by ' : ''}${place}`, tone);
}
