/** What is selected, opened, sorted and filtered. */
import { threadKey } from './moment.ts';
import { screenOf, selectedItem } from './screen.ts';
import { atTime, shownItems, tableOf, tabOf, tabsOf } from './state.ts';
import { visibleColumns } from './table.ts';
import type { State, TableState, Tools } from './types.ts';

type Excerpt = Tools['excerpt'];

/** The longest filter. */
const MAX_FILTER = 80;

function change(state: State, changes: Partial<TableState>): State {
  return changeTable(state, state.tab, changes);
}

export function changeTable(state: State, tab: string, changes: Partial<TableState>): State {
  return { ...state, tables: { ...state.tables, [tab]: { ...state.tables[tab]!, ...changes } } };
}

function select(state: State, index: number): State {
  const items = shownItems(state);
  const clamped = Math.max(0, Math.min(items.length - 1, index));
  return change(state, { index: clamped, key: items[clamped]?.key ?? null });
}

/** The selection stays on its item when new rows move it; if the item is gone, on its position. */
export function settled(state: State): State {
  const { key, index } = tableOf(state);
  if (key === null) return state;
  const items = shownItems(state);
  if (items[index]?.key === key) return state;
  const found = items.findIndex((item) => item.key === key);
  return found >= 0
    ? change(state, { index: found })
    : change(state, { index: Math.max(0, Math.min(index, items.length - 1)) });
}

/** Moves the selection, or scrolls the text if there is nothing to select. */
export function moved(state: State, by: number, excerpt: Excerpt): State {
  if (!state.overlay && shownItems(state).length > 0) {
    return scrolledTo(select(state, tableOf(state).index + by), excerpt);
  }
  const { shown, total } = screenOf(state, excerpt);
  const last = Math.max(0, total - shown);
  const to = (top: number): number => Math.max(0, Math.min(last, Math.min(last, top) + by));
  return state.overlay
    ? { ...state, overlay: { ...state.overlay, top: to(state.overlay.top) } }
    : change(state, { top: to(tableOf(state).top) });
}

/** By the height of the screen, minus a line. */
export function paged(state: State, direction: 1 | -1, excerpt: Excerpt): State {
  return moved(state, direction * Math.max(1, screenOf(state, excerpt).shown - 1), excerpt);
}

/** The selected item is on the screen. */
export function scrolledTo(state: State, excerpt: Excerpt): State {
  if (state.overlay || shownItems(state).length === 0) return state;
  const { shown } = screenOf(state, excerpt);
  const { index, top } = tableOf(state);
  return change(state, { top: Math.max(index - shown + 1, Math.min(top, index)) });
}

export function sortBy(state: State, column: number): State {
  return change(
    state,
    column === tableOf(state).sortColumn
      ? { inverted: !tableOf(state).inverted }
      : { sortColumn: column, inverted: false },
  );
}

export function inverted(state: State): State {
  return change(state, { inverted: !tableOf(state).inverted });
}

export function nextSort(state: State, by: 1 | -1): State {
  const columns = visibleColumns(tabOf(state).columns, state.columns).map(({ index }) => index);
  const at = columns.indexOf(tableOf(state).sortColumn);
  return change(state, {
    sortColumn: columns[Math.max(0, Math.min(columns.length - 1, at + by))] ?? 0,
    inverted: false,
  });
}

/** A key while the filter is being typed. */
export function typed(state: State, key: string): State {
  const { filter } = tableOf(state);
  if (key === 'enter') return { ...state, typing: false };
  if (key === 'escape') return { ...unfiltered(state), typing: false };
  if (key === 'backspace') return change(state, { filter: filter.slice(0, -1) });
  return key.length === 1 && filter.length < MAX_FILTER ? change(state, { filter: filter + key, top: 0 }) : state;
}

export function unfiltered(state: State): State {
  return change(state, { filter: '' });
}

/** A click selects an item; on the selected one it opens it. */
export function clicked(state: State, index: number): State {
  return tableOf(state).index === index && tableOf(state).key !== null ? opened(state) : select(state, index);
}

export function opened(state: State): State {
  const item = selectedItem(state);
  if (state.overlay || !item) return { ...state, overlay: null };
  if (state.tab === 'threads') return showThread(state, item.key);
  return { ...select(state, tableOf(state).index), overlay: { kind: 'details', top: 0 } };
}

/** In all tabs. */
function showThread(state: State, key: string): State {
  const shown = state.recordings.some(({ header }) => threadKey(header) === key);
  return shown ? atTime(state, state.atMs, { thread: key, message: `The tabs show ${key}.` }) : state;
}

/** The one before or after in the family. */
export function nextThread(state: State, by: 1 | -1): State {
  const keys = (state.moment?.recordings ?? []).map(({ header }) => threadKey(header));
  if (keys.length < 2) return { ...state, message: 'There is only one thread.' };
  const at = keys.indexOf(threadKey(state.moment!.chosen.header));
  return showThread(state, keys[(at + by + keys.length) % keys.length]!);
}

export function nextTab(state: State, by: 1 | -1): State {
  const tabs = tabsOf(state);
  const index = tabs.findIndex(({ id }) => id === state.tab);
  return { ...state, tab: tabs[(index + by + tabs.length) % tabs.length]!.id, overlay: null };
}

/** By its digit. */
export function tabAt(state: State, digit: number): State {
  const tab = tabsOf(state)[digit - 1];
  return tab ? { ...state, tab: tab.id, overlay: null } : state;
}
