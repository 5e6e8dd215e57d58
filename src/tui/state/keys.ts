/** What each key does; `help.ts` describes them for people. */
import type { Location } from '../../recording/types.ts';
import { placeText } from '../../util/place-text.ts';
import { endOf } from './moment.ts';
import { askFileName, isTree, nextProfile, nextView, sideways, toRange, typedFileName } from './profile/keys.ts';
import { lastOf } from './rows.ts';
import { selectedItem } from './screen.ts';
import {
  inverted,
  moved,
  nextSort,
  nextTab,
  nextThread,
  opened,
  paged,
  scrolledTo,
  settled,
  tabAt,
  typed,
  unfiltered,
} from './selection.ts';
import { atTime } from './state.ts';
import { faster, seekBy, seekTo, toEvent, toFinding, togglePause } from './time.ts';
import type { Effect, State, Tools } from './types.ts';

interface Press {
  excerpt: Tools['excerpt'];
  /** Effects for others are added here. */
  effects: Effect[];
  /** One `g` was typed before. */
  pendingG: boolean;
}

type Key = (state: State, press: Press) => State;

const FAR = Number.MAX_SAFE_INTEGER;

const quit: Key = (state, { effects }) => {
  effects.push({ type: 'quit' });
  return state;
};
const down: Key = (state, { excerpt }) => moved(state, 1, excerpt);
const up: Key = (state, { excerpt }) => moved(state, -1, excerpt);
const left: Key = (state, { excerpt }) =>
  isTree(state) ? scrolledTo(sideways(state, -1), excerpt) : nextSort(state, -1);
const right: Key = (state, { excerpt }) =>
  isTree(state) ? scrolledTo(sideways(state, 1), excerpt) : nextSort(state, 1);
const toBottom: Key = (state, { excerpt }) => moved(state, FAR, excerpt);
const toTop: Key = (state, { excerpt }) => moved(state, -FAR, excerpt);

const KEYS: Readonly<Record<string, Key>> = {
  q: quit,
  'C-c': (state, { effects }) => {
    effects.push({ type: 'quit', signal: 'SIGINT' });
    return state;
  },
  '?': (state) => ({ ...state, overlay: state.overlay?.kind === 'help' ? null : { kind: 'help', top: 0 } }),
  escape: (state) => ({ ...state, overlay: null }),
  tab: (state) => nextTab(state, 1),
  'S-tab': (state) => nextTab(state, -1),
  ...{ j: down, down, k: up, up, G: toBottom, end: toBottom, home: toTop },
  pagedown: (state, { excerpt }) => paged(state, 1, excerpt),
  pageup: (state, { excerpt }) => paged(state, -1, excerpt),
  g: (state, press) => (press.pendingG ? toTop(state, press) : { ...state, pendingG: true }),
  enter: opened,
  '/': (state) => (state.overlay ? state : { ...state, typing: true }),
  c: unfiltered,
  ...{ h: left, left, l: right, right },
  i: inverted,
  '<': (state) => nextThread(state, -1),
  '>': (state) => nextThread(state, 1),
  y: copy,
  e: edit,
  ...{ ' ': togglePause, p: togglePause },
  ...{ '+': (state) => faster(state, 1), '=': (state) => faster(state, 1), '-': (state) => faster(state, -1) },
  ',': (state) => toEvent(state, -1),
  '.': (state) => toEvent(state, 1),
  n: (state) => toFinding(state, 1),
  N: (state) => toFinding(state, -1),
  '[': (state) => seekBy(state, -1),
  ']': (state) => seekBy(state, 1),
  '{': (state) => seekTo(state, 0),
  '}': (state) => seekTo(state, endOf(state.recordings)),
  R: reset,
  d: (state, { effects }) => ask(state, 'dump', effects),
  L: changeLevel,
  ...{ t: nextView, o: nextProfile, r: toRange, w: askFileName },
  f: (state, { effects }) => ask(state, 'profile', effects),
  m: (state, { effects }) => ask(state, 'snapshot', effects),
  M: (state, { effects }) => ask(state, 'hunt', effects),
  s: (state, { effects }) => ask(state, 'save', effects),
};

/** The state after a key, and the effects. */
export function pressed(before: State, key: string, excerpt: Tools['excerpt']): { state: State; effects: Effect[] } {
  const state = { ...before, message: null, pendingG: false };
  const effects: Effect[] = [];
  if (state.typing && key !== 'C-c') return { state: settled(typed(state, key)), effects };
  if (state.fileName !== null && key !== 'C-c') return { state: typedFileName(state, key, effects), effects };
  const press: Press = { excerpt, effects, pendingG: before.pendingG };
  const digit = /^[1-9]$/.test(key) ? Number(key) : 0;
  const next = digit > 0 ? tabAt(state, digit) : Object.hasOwn(KEYS, key) ? KEYS[key]!(state, press) : state;
  return { state: settled(next), effects };
}

/** Earlier ones are discarded. */
function reset(state: State): State {
  return state.mode === 'live' ? atTime(state, state.atMs, { sinceMs: state.atMs }) : state;
}

function ask(state: State, type: 'dump' | 'hunt' | 'profile' | 'save' | 'snapshot', effects: Effect[]): State {
  return whileLive(state, () => effects.push({ type }));
}

function whileLive(state: State, act: () => void): State {
  if (state.ended)
    return { ...state, message: 'The process has ended: it is recorded, but cannot be queried any more.' };
  if (state.mode === 'replay') return { ...state, message: 'This is a recording: that works for live processes only.' };
  act();
  return state;
}

/** The other one, of the process that is shown. */
function changeLevel(state: State, { effects }: Press): State {
  const chosen = state.moment?.chosen;
  if (!chosen) return state;
  const level = lastOf(chosen, 'level')?.level ?? chosen.header.level;
  return whileLive(state, () => effects.push({ type: 'level', level: level === 'watch' ? 'diagnose' : 'watch' }));
}

function copy(state: State, { effects }: Press): State {
  return withPlace(state, (location) => {
    effects.push({ type: 'copy', text: `${location.file}:${location.line}:${location.column}` });
    return { ...state, message: `Copied ${placeText(location)}` };
  });
}

function edit(state: State, { effects }: Press): State {
  return withPlace(state, (location) => {
    effects.push({ type: 'edit', location });
    return state;
  });
}

/** Of the selected item, or of the worst finding. */
function withPlace(state: State, use: (location: Location) => State): State {
  const location = selectedItem(state)?.location ?? state.moment?.report?.findings[0]?.location;
  return location ? use(location) : { ...state, message: 'Nothing with a place is selected.' };
}
