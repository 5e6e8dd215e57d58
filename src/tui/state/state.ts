import type { Report } from '../../report/types.ts';
import { momentAt, NO_PROFILES } from './moment.ts';
import { tabs } from './tabs/index.ts';
import { profile } from './tabs/profile.ts';
import type { Item, Moment, ProfileState, State, Tab, TableState } from './types.ts';

export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8, 16, 32, 64] as const;
export const REFRESH_MS = [100, 250, 500, 1000, 2000, 5000, 10_000] as const;

/** A smaller terminal cannot show a table. */
export const NEEDS = { columns: 60, rows: 15 };

/** The state before the first row. */
export function initialState(
  mode: State['mode'],
  subject: string,
  columns: number,
  rows: number,
  extraTabs: readonly Tab[] = [],
): State {
  return {
    mode,
    subject,
    ended: null,
    recordings: [],
    thread: null,
    atMs: 0,
    following: mode === 'live',
    playing: false,
    speed: 1,
    refreshMs: 1000,
    sinceMs: 0,
    marks: null,
    moment: null,
    judged: null,
    tab: tabs[0]!.id,
    extraTabs,
    profiles: NO_PROFILES,
    tables: Object.fromEntries([...tabs, ...extraTabs].map(({ id, sortColumn }) => [id, newTable(sortColumn)])),
    typing: false,
    fileName: null,
    overlay: null,
    pendingG: false,
    message: null,
    columns,
    rows,
  };
}

function newTable(sortColumn: number): TableState {
  return { key: null, index: 0, top: 0, sortColumn, inverted: false, filter: '' };
}

/** The state with the moment for its time and thread. */
export function atTime(state: State, atMs: number, changes: Partial<State> = {}): State {
  const next = { ...state, ...changes };
  const clamped = Math.max(0, atMs);
  // What was found later is not known yet.
  const judged = next.judged && next.judged.atMs <= clamped && next.sinceMs === state.sinceMs ? next.judged : null;
  const report = judged?.report ?? null;
  const moment = momentAt(next.recordings, next.thread, clamped, next.sinceMs, report, next.profiles);
  return { ...next, atMs: clamped, judged, moment };
}

export function withProfiles(state: State, changes: Partial<ProfileState>): State {
  const profiles = { ...state.profiles, ...changes };
  return { ...state, profiles, moment: state.moment && { ...state.moment, profiles } };
}

/** With the judgement, unless it is of a later time. */
export function withReport(state: State, report: Report, atMs: number): State {
  const { moment, judged } = state;
  if (!moment || atMs > state.atMs || (judged && judged.atMs > atMs)) return state;
  return { ...state, judged: { atMs, report }, moment: { ...moment, report } };
}

/** In the order of the screen: the digit of a tab is its place. */
export function tabsOf({ extraTabs }: State): readonly Tab[] {
  // A scenario is not profiled, and its own tabs need the digits.
  return extraTabs.length === 0 ? tabs : [...tabs.filter((tab) => tab !== profile), ...extraTabs];
}

export function tabOf(state: State): Tab {
  return tabsOf(state).find(({ id }) => id === state.tab) ?? tabs[0]!;
}

export function tableOf(state: State): TableState {
  return state.tables[state.tab]!;
}

/** The items of a tab are made once for a moment, whatever the user does meanwhile. */
const made = new WeakMap<Moment, Map<string, readonly Item[]>>();
/** Sorted and filtered once, as long as the tab gives the same items. */
const arranged = new WeakMap<readonly Item[], Map<string, readonly Item[]>>();

/** The items of the current tab as they are shown: filtered and sorted. */
export function shownItems(state: State): readonly Item[] {
  const { moment } = state;
  if (!moment) return [];
  const tab = tabOf(state);
  const { sortColumn, inverted, filter } = tableOf(state);
  const all = remember(made, moment, tab.id, () => tab.items(moment));
  return remember(arranged, all, `${sortColumn} ${inverted} ${filter}`, () => {
    const some = matching(all, filter, moment.atMs);
    return tab.isTree?.(moment) ? some : sorted(some, sortColumn, inverted);
  });
}

function matching(items: readonly Item[], filter: string, atMs: number): readonly Item[] {
  const wanted = filter.toLowerCase();
  if (wanted === '') return items;
  return items.filter((item) => (item.searched?.() ?? item.cells(atMs).join(' ')).toLowerCase().includes(wanted));
}

function sorted(items: readonly Item[], column: number, inverted: boolean): readonly Item[] {
  const sign = inverted ? -1 : 1;
  return items
    .map((item) => ({ item, value: item.value(column) }))
    .sort((a, b) => sign * compare(a.value, b.value))
    .map(({ item }) => item);
}

function remember<K extends object>(
  memory: WeakMap<K, Map<string, readonly Item[]>>,
  of: K,
  key: string,
  make: () => readonly Item[],
): readonly Item[] {
  const known = memory.get(of) ?? new Map<string, readonly Item[]>();
  memory.set(of, known);
  const items = known.get(key) ?? make();
  known.set(key, items);
  return items;
}

/** Numbers descend, texts ascend. */
function compare(a: string | number, b: string | number): number {
  if (typeof a === 'number' && typeof b === 'number') return b - a;
  return String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0;
}
