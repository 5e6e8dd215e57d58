import type { Recording } from '../../recording/types.ts';
import { endOf, momentAt } from './moment.ts';
import { tabs } from './tabs/index.ts';
import type { Item, Moment, State, Tab, TableState } from './types.ts';

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
    tab: tabs[0]!.id,
    extraTabs,
    tables: Object.fromEntries([...tabs, ...extraTabs].map(({ id, sortColumn }) => [id, newTable(sortColumn)])),
    typing: false,
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

/** The state with the moment that its time and thread ask for. */
export function atTime(state: State, atMs: number, changes: Partial<State> = {}): State {
  const next = { ...state, ...changes };
  const clamped = Math.max(0, atMs);
  return { ...next, atMs: clamped, moment: momentAt(next.recordings, next.thread, clamped, next.sinceMs) };
}

export function endMs(recordings: readonly Recording[]): number {
  return endOf(recordings);
}

/** In the order of the screen: the digit of a tab is its place. */
export function tabsOf({ extraTabs }: State): readonly Tab[] {
  return [...tabs, ...extraTabs];
}

export function tabOf(state: State): Tab {
  return tabsOf(state).find(({ id }) => id === state.tab) ?? tabs[0]!;
}

export function tableOf(state: State): TableState {
  return state.tables[state.tab]!;
}

/** Tables are made once for a moment, whatever the user does to it meanwhile. */
const made = new WeakMap<Moment, Map<string, readonly Item[]>>();

/** The items of the current tab as they are shown: filtered and sorted. */
export function shownItems(state: State): readonly Item[] {
  const { moment } = state;
  if (!moment) return [];
  const tab = tabOf(state);
  const { sortColumn, inverted, filter } = tableOf(state);
  return remember(moment, `${tab.id} ${sortColumn} ${inverted} ${filter}`, () => {
    const all = remember(moment, tab.id, () => tab.items(moment));
    const wanted = filter.toLowerCase();
    const found = wanted === '' ? all : all.filter(({ cells }) => cells.join(' ').toLowerCase().includes(wanted));
    return [...found].sort((a, b) => (inverted ? -1 : 1) * compare(a.values[sortColumn], b.values[sortColumn]));
  });
}

function remember(moment: Moment, key: string, make: () => readonly Item[]): readonly Item[] {
  const known = made.get(moment) ?? new Map<string, readonly Item[]>();
  made.set(moment, known);
  const items = known.get(key) ?? make();
  known.set(key, items);
  return items;
}

/** Numbers fall, texts rise. */
function compare(a: string | number | undefined, b: string | number | undefined): number {
  if (typeof a === 'number' && typeof b === 'number') return b - a;
  return String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0;
}
