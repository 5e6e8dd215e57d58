import type { Recording } from '../../recording/types.ts';
import { placeText } from '../../report/words.ts';
import { endOf, eventTimes, threadKey } from './moment.ts';
import { screenOf, selectedItem, visibleColumns } from './screen.ts';
import { atTime, REFRESH_MS, SPEEDS, shownItems, tableOf, tabOf, tabsOf } from './state.ts';
import type { Action, Effect, Moment, State, TableState, Tools } from './types.ts';

export interface Next {
  state: State;
  effects: Effect[];
}

/** `[` and `]` move by that share of the recording. */
const SEEK_SHARE = 0.05;
const MAX_FILTER = 80;

type Excerpt = Tools['excerpt'];

/** What comes of an action. Pure; what it cannot do by itself are the effects. */
export function reduce(state: State, action: Action, excerpt: Excerpt): Next {
  const next =
    action.type === 'key'
      ? onKey(state, action.key, excerpt)
      : { state: settled(apply(state, action, excerpt)), effects: [] };
  return lacksMarks(next.state, state) ? { ...next, effects: [...next.effects, marksOf(next.state)] } : next;
}

/** The bar is shown, and what is marked on it has to be looked for. */
function lacksMarks(state: State, before: State): boolean {
  const wants = (one: State): boolean => one.marks === null && one.recordings.length > 0 && !one.following;
  return wants(state) && (!wants(before) || (state.mode === 'replay' && state.recordings !== before.recordings));
}

function marksOf({ recordings }: State): Effect {
  return { type: 'marks', recordings };
}

function apply(state: State, action: Exclude<Action, { type: 'key' }>, excerpt: Excerpt): State {
  switch (action.type) {
    case 'size':
      return scrolledTo({ ...state, columns: action.columns, rows: action.rows }, excerpt);
    case 'tick':
      return passed(state, action.ms);
    case 'recordings':
      return withRecordings(state, action.recordings, action.ended);
    case 'marks':
      return { ...state, marks: action.marks };
    case 'message':
      return { ...state, message: action.text };
    case 'show':
      return { ...state, overlay: { kind: 'text', title: action.title, lines: action.lines, top: 0 }, message: null };
    case 'tab':
      return { ...state, tab: action.id, overlay: null };
    case 'item':
      return clicked(state, action.index);
    case 'sort':
      return sortBy(state, action.column);
    case 'wheel':
      return moved(state, action.by, excerpt);
    case 'seek':
      return seekTo(state, action.share * endOf(state.recordings));
  }
}

/** A click selects; on what is selected it opens. */
function clicked(state: State, index: number): State {
  return tableOf(state).index === index && tableOf(state).key !== null
    ? { ...state, overlay: { kind: 'details', top: 0 } }
    : select(state, index);
}

/** What has ended can be replayed. */
function withRecordings(state: State, recordings: readonly Recording[], ended: string | undefined): State {
  const atEnd = state.following || (state.mode === 'replay' && state.atMs >= endOf(state.recordings));
  const next: State = { ...state, recordings, ended: ended ?? state.ended };
  if (ended !== undefined) Object.assign(next, { mode: 'replay', following: false, playing: false });
  if (next.mode === 'replay') next.marks = null;
  return atTime(next, atEnd ? endOf(recordings) : state.atMs);
}

// ── time ──

function passed(state: State, ms: number): State {
  if (state.mode === 'replay') {
    if (!state.playing) return state;
    const end = endOf(state.recordings);
    const atMs = Math.min(end, state.atMs + ms * state.speed);
    return atTime(state, atMs, { playing: atMs < end });
  }
  // Rows do not come while the loop is blocked, but time goes on: a stall that lasts is seen to last.
  if (!state.following || state.ended || !state.moment) return state;
  return { ...state, atMs: state.atMs + ms, moment: later(state.moment, ms) };
}

function later(moment: Moment, ms: number): Moment {
  const chosen = { ...moment.chosen, durationMs: moment.chosen.durationMs + ms };
  return { ...moment, atMs: moment.atMs + ms, chosen };
}

function seekTo(state: State, ms: number): State {
  const end = endOf(state.recordings);
  return atTime(state, Math.min(end, Math.max(0, ms)), {
    following: false,
    playing: false,
    marks: state.following ? null : state.marks,
  });
}

function toEvent(state: State, direction: 1 | -1): State {
  return toTime(state, eventTimes(state.recordings), direction, 'No event there.');
}

function toFinding(state: State, direction: 1 | -1): State {
  if (state.marks === null) return { ...state, message: 'The findings are still being looked for.' };
  const times = state.marks.map(({ atMs }) => atMs);
  return toTime(state, times, direction, 'No finding there.');
}

function toTime(state: State, times: readonly number[], direction: 1 | -1, none: string): State {
  const time = direction > 0 ? times.find((t) => t > state.atMs) : times.findLast((t) => t < state.atMs);
  return time === undefined ? { ...state, message: none } : seekTo(state, time);
}

function togglePause(state: State): State {
  if (state.mode === 'live') {
    if (!state.following) return atTime(state, endOf(state.recordings), { following: true });
    return { ...state, following: false, marks: null };
  }
  const atEnd = state.atMs >= endOf(state.recordings);
  return state.playing || !atEnd ? { ...state, playing: !state.playing } : atTime(state, 0, { playing: true });
}

function faster(state: State, by: 1 | -1): State {
  if (state.mode === 'replay') return { ...state, speed: step(SPEEDS, state.speed, by) };
  return { ...state, refreshMs: step(REFRESH_MS, state.refreshMs, by === 1 ? -1 : 1) };
}

function step(values: readonly number[], value: number, by: number): number {
  const index = Math.min(values.length - 1, Math.max(0, values.indexOf(value) + by));
  return values[index]!;
}

// ── selection ──

function change(state: State, changes: Partial<TableState>): State {
  return { ...state, tables: { ...state.tables, [state.tab]: { ...tableOf(state), ...changes } } };
}

function select(state: State, index: number): State {
  const items = shownItems(state);
  const clamped = Math.max(0, Math.min(items.length - 1, index));
  return change(state, { index: clamped, key: items[clamped]?.key ?? null });
}

/** The selection stays on its thing, wherever new rows have moved it; where it is gone, on its place. */
function settled(state: State): State {
  const { key, index } = tableOf(state);
  if (key === null) return state;
  const items = shownItems(state);
  if (items[index]?.key === key) return state;
  const found = items.findIndex((item) => item.key === key);
  return found >= 0
    ? change(state, { index: found })
    : change(state, { index: Math.max(0, Math.min(index, items.length - 1)) });
}

/** Moves the selection, or the text where there is none to select. */
function moved(state: State, by: number, excerpt: Excerpt): State {
  const { shown, total } = screenOf(state, excerpt);
  const last = Math.max(0, total - shown);
  if (state.overlay) {
    const top = Math.max(0, Math.min(last, state.overlay.top + by));
    return { ...state, overlay: { ...state.overlay, top } };
  }
  if (shownItems(state).length === 0) {
    return change(state, { top: Math.max(0, Math.min(last, Math.min(last, tableOf(state).top) + by)) });
  }
  return scrolledTo(select(state, tableOf(state).index + by), excerpt);
}

/** The selected item is on the screen. */
function scrolledTo(state: State, excerpt: Excerpt): State {
  if (state.overlay || shownItems(state).length === 0) return state;
  const { shown } = screenOf(state, excerpt);
  const { index, top } = tableOf(state);
  return change(state, { top: Math.max(index - shown + 1, Math.min(top, index)) });
}

function sortBy(state: State, column: number): State {
  return change(
    state,
    column === tableOf(state).sortColumn
      ? { inverted: !tableOf(state).inverted }
      : { sortColumn: column, inverted: false },
  );
}

function nextSort(state: State, by: 1 | -1): State {
  const columns = visibleColumns(tabOf(state).columns, state.columns).map(({ index }) => index);
  const at = columns.indexOf(tableOf(state).sortColumn);
  return change(state, {
    sortColumn: columns[Math.max(0, Math.min(columns.length - 1, at + by))] ?? 0,
    inverted: false,
  });
}

// ── keys ──

function onKey(before: State, key: string, excerpt: Excerpt): Next {
  const state = { ...before, message: null, pendingG: false };
  if (state.typing && key !== 'C-c') return { state: settled(typed(state, key)), effects: [] };
  const effects: Effect[] = [];
  const next = pressed(state, key, before.pendingG, excerpt, effects);
  return { state: settled(next), effects };
}

function typed(state: State, key: string): State {
  const { filter } = tableOf(state);
  if (key === 'enter') return { ...state, typing: false };
  if (key === 'escape') return { ...change(state, { filter: '' }), typing: false };
  if (key === 'backspace') return change(state, { filter: filter.slice(0, -1) });
  return key.length === 1 && filter.length < MAX_FILTER ? change(state, { filter: filter + key, top: 0 }) : state;
}

function pressed(state: State, key: string, pendingG: boolean, excerpt: Excerpt, effects: Effect[]): State {
  const page = (): number => Math.max(1, screenOf(state, excerpt).shown - 1);
  switch (key) {
    case 'q':
      effects.push({ type: 'quit' });
      return state;
    case 'C-c':
      effects.push({ type: 'quit', signal: 'SIGINT' });
      return state;
    case '?':
      return { ...state, overlay: state.overlay?.kind === 'help' ? null : { kind: 'help', top: 0 } };
    case 'escape':
      return { ...state, overlay: null };
    case 'tab':
      return nextTab(state, 1);
    case 'S-tab':
      return nextTab(state, -1);
    case 'j':
    case 'down':
      return moved(state, 1, excerpt);
    case 'k':
    case 'up':
      return moved(state, -1, excerpt);
    case 'pagedown':
      return moved(state, page(), excerpt);
    case 'pageup':
      return moved(state, -page(), excerpt);
    case 'G':
    case 'end':
      return moved(state, Number.MAX_SAFE_INTEGER, excerpt);
    case 'g':
      return pendingG ? moved(state, -Number.MAX_SAFE_INTEGER, excerpt) : { ...state, pendingG: true };
    case 'home':
      return moved(state, -Number.MAX_SAFE_INTEGER, excerpt);
    case 'enter':
      return entered(state);
    case '/':
      return state.overlay ? state : { ...state, typing: true };
    case 'c':
      return change(state, { filter: '' });
    case 'h':
    case 'left':
      return nextSort(state, -1);
    case 'l':
    case 'right':
      return nextSort(state, 1);
    case 'i':
      return change(state, { inverted: !tableOf(state).inverted });
    case 'y':
      return copy(state, effects);
    case ' ':
    case 'p':
      return togglePause(state);
    case '+':
    case '=':
      return faster(state, 1);
    case '-':
      return faster(state, -1);
    case ',':
      return toEvent(state, -1);
    case '.':
      return toEvent(state, 1);
    case 'n':
      return toFinding(state, 1);
    case 'N':
      return toFinding(state, -1);
    case '[':
      return seekTo(state, state.atMs - SEEK_SHARE * endOf(state.recordings));
    case ']':
      return seekTo(state, state.atMs + SEEK_SHARE * endOf(state.recordings));
    case '{':
      return seekTo(state, 0);
    case '}':
      return seekTo(state, endOf(state.recordings));
    case 'R':
      return state.mode === 'live' ? atTime(state, state.atMs, { sinceMs: state.atMs }) : state;
    case 'd':
    case 's':
      return only(state, key === 'd' ? 'dump' : 'save', effects);
    default:
      return onDigit(state, key);
  }
}

function only(state: State, type: 'dump' | 'save', effects: Effect[]): State {
  if (state.ended) return { ...state, message: 'The process has ended: it is recorded, and cannot be asked any more.' };
  if (state.mode === 'replay') return { ...state, message: 'This is a recording: that is for live processes.' };
  effects.push({ type });
  return state;
}

function onDigit(state: State, key: string): State {
  const tab = /^\d$/.test(key) ? tabsOf(state)[Number(key) - 1] : undefined;
  return tab ? { ...state, tab: tab.id, overlay: null } : state;
}

function nextTab(state: State, by: 1 | -1): State {
  const tabs = tabsOf(state);
  const index = tabs.findIndex(({ id }) => id === state.tab);
  return { ...state, tab: tabs[(index + by + tabs.length) % tabs.length]!.id, overlay: null };
}

function entered(state: State): State {
  const item = selectedItem(state);
  if (state.overlay || !item) return { ...state, overlay: null };
  if (state.tab !== 'threads') return { ...select(state, tableOf(state).index), overlay: { kind: 'details', top: 0 } };
  const recording = state.recordings.find(({ header }) => threadKey(header) === item.key);
  return recording
    ? atTime(state, state.atMs, { thread: item.key, message: `The tabs show thread ${item.key}.` })
    : state;
}

function copy(state: State, effects: Effect[]): State {
  const location = selectedItem(state)?.location ?? state.moment?.report().findings[0]?.location;
  if (!location) return { ...state, message: 'Nothing with a place is selected.' };
  const text = `${location.file}:${location.line}:${location.column}`;
  effects.push({ type: 'copy', text });
  return { ...state, message: `Copied ${placeText(location)}` };
}
