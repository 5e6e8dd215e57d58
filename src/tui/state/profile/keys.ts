/** What the keys of the tab Profile do. */
import { formatMs } from '../../../util/text.ts';
import { endOf } from '../moment.ts';
import { rowsOf } from '../rows.ts';
import { selectedItem } from '../screen.ts';
import { changeTable } from '../selection.ts';
import { tabOf, withProfiles } from '../state.ts';
import { VIEWS } from '../tabs/profile.ts';
import { stallKey } from '../tabs/stalls.ts';
import type { Effect, ShownProfile, State } from '../types.ts';
import { ENDINGS, isKnownEnding } from './endings.ts';
import { partOf, profilesOf, shownOf, sightingOf, spanOf, spanText } from './shown.ts';
import { type Branch, isOpen, treeItems } from './tree.ts';

/** Live; older ones are discarded. One with a million samples takes 20 MB. */
const MAX_TAKEN = 4;
const MAX_FILE_NAME = 200;

const atFirst = { key: null, index: 0, top: 0 } as const;

/** Functions, calls, callers. In another tab it only leads here. */
export function nextView(state: State): State {
  if (!state.moment || !shownOf(state.moment)) return noProfile(state);
  if (state.tab !== 'profile') return { ...state, tab: 'profile', overlay: null };
  const { view } = state.profiles;
  const next = VIEWS[(VIEWS.indexOf(view) + 1) % VIEWS.length]!;
  return changeTable(withProfiles({ ...state, overlay: null }, { view: next }), 'profile', atFirst);
}

/** The one taken before, or the newest again. */
export function nextProfile(state: State): State {
  const shown = state.moment && shownOf(state.moment);
  if (!shown) return noProfile(state);
  const all = profilesOf(state.moment!);
  if (all.length < 2) return { ...state, message: 'There is no other profile of this thread.' };
  const chosen = all[(all.indexOf(shown.of) + 1) % all.length]!.id;
  const next = withProfiles({ ...state, tab: 'profile', overlay: null }, { chosen, range: null, toggled: new Set() });
  return changeTable(next, 'profile', atFirst);
}

function noProfile(state: State): State {
  return { ...state, message: 'This thread has no profile. In a live view, f takes one.' };
}

/** From a stall to its time in the profile; from there back to all of it. */
export function toRange(state: State): State {
  if (state.tab === 'stalls') return toStall(state);
  if (state.profiles.range) return changeTable(withProfiles(state, { range: null }), 'profile', atFirst);
  return { ...state, message: 'r on a stall, in view 2, shows its time in the profile.' };
}

function toStall(state: State): State {
  const { moment } = state;
  const item = selectedItem(state);
  if (!moment || !item) return { ...state, message: 'No stall is selected.' };
  const stalls = rowsOf(moment.chosen, 'stall').filter((stall) => stallKey(stall) === item.key);
  const seen = sightingOf(moment, stalls);
  if (!seen) return { ...state, message: notSeen(state) };
  const { stall, of, isWhole } = seen;
  const { startMonotonicMs } = moment.chosen.header;
  const fromMs = startMonotonicMs + stall.startMs;
  const part = isWhole ? '' : ', in part';
  const words = `the stall of ${formatMs(stall.durationMs)} at ${formatMs(stall.startMs)}${part}`;
  const range = { fromMs, toMs: fromMs + stall.durationMs, words };
  const next = withProfiles({ ...state, tab: 'profile', overlay: null }, { range, chosen: of.id });
  return changeTable(next, 'profile', atFirst);
}

function notSeen({ moment }: State): string {
  const spans = profilesOf(moment!).flatMap((of) => spanOf(of, moment!.chosen) ?? []);
  if (spans.length > 0) return `No profile covers that stall: the newest runs from ${spanText(spans[0]!)}.`;
  return 'This thread has no CPU profile with times. In a live view, f takes one.';
}

/** ← and → in a tree: fold and unfold; if it is folded or unfolded already, go to the caller or the first callee. */
export function sideways(state: State, by: 1 | -1): State {
  const shown = state.moment && shownOf(state.moment);
  if (!shown?.part) return state;
  const { view, toggled } = state.profiles;
  const { branches } = treeItems(shown.part, shown.of.profile!.unit, view, toggled);
  const key = selectedItem(state)?.key;
  const branch = branches.find((one) => one.key === key);
  if (!branch) return state;
  const open = isOpen(branch, toggled);
  if (by > 0 ? !open && !branch.isLeaf : open) {
    return withProfiles(changeTable(state, 'profile', { key: branch.key }), { toggled: flipped(toggled, branch) });
  }
  const to = by > 0 ? branch.children()[0] : branch.above;
  if (!to || (by > 0 && branch.isLeaf)) return state;
  const index = branches.indexOf(to);
  return index < 0 ? state : changeTable(state, 'profile', { key: to.key, index });
}

function flipped(toggled: ReadonlySet<string>, { key }: Branch): ReadonlySet<string> {
  const next = new Set(toggled);
  if (!next.delete(key)) next.add(key);
  return next;
}

export function isTree(state: State): boolean {
  return state.moment !== null && tabOf(state).isTree?.(state.moment) === true;
}

// ── what comes from outside ──

export function profiling(state: State, pid: number): State {
  const sinceMs = Math.max(state.atMs, endOf(state.recordings));
  return withProfiles(state, { running: { pid, sinceMs }, lost: null });
}

export function profileLost(state: State, why: string): State {
  return withProfiles({ ...state, message: why }, { running: null, lost: why });
}

/** One that was read replaces its entry; a new one is shown, unless the user is typing. */
export function withProfile(state: State, profile: ShownProfile): State {
  const { all } = state.profiles;
  if (all.some(({ id }) => id === profile.id)) {
    return withProfiles(state, { all: all.map((one) => (one.id === profile.id ? profile : one)) });
  }
  const types = state.typing || state.fileName !== null;
  const seen = types
    ? { ...state, message: 'The profile has ended: view 8 shows it.' }
    : { ...state, tab: 'profile', overlay: null, message: null };
  const next = withProfiles(seen, {
    all: [profile, ...all].slice(0, MAX_TAKEN),
    ...{ chosen: profile.id, range: null, toggled: new Set(), running: null, lost: null },
  });
  return changeTable(next, 'profile', atFirst);
}

/** Those beside the recording come after those that were taken; those that have been read are kept. */
export function withRecorded(state: State, recorded: readonly ShownProfile[]): State {
  const { all } = state.profiles;
  const known = new Map(all.map((one) => [one.id, one]));
  const taken = all.filter(({ id }) => !recorded.some((one) => one.id === id));
  return withProfiles(state, { all: [...taken, ...recorded.map((one) => known.get(one.id) ?? one)] });
}

// ── the name of the file ──

export function askFileName(state: State): State {
  const shown = state.moment && shownOf(state.moment);
  if (!shown?.whole) return noProfile(state);
  return { ...state, fileName: `${shown.of.pid}.${defaultExtension(shown.of)}`, overlay: null };
}

function defaultExtension({ profile }: ShownProfile): string {
  return profile?.unit === 'bytes' ? 'heapprofile' : 'speedscope.json';
}

/** A key while the name is being typed. */
export function typedFileName(state: State, key: string, effects: Effect[]): State {
  const name = state.fileName ?? '';
  if (key === 'escape') return { ...state, fileName: null };
  if (key === 'backspace') return { ...state, fileName: name.slice(0, -1) };
  if (key === 'C-u') return { ...state, fileName: '' };
  if (key === 'enter') return confirmed(state, name.trim(), effects);
  return key.length === 1 && name.length < MAX_FILE_NAME ? { ...state, fileName: name + key } : state;
}

function confirmed(state: State, file: string, effects: Effect[]): State {
  const shown = state.moment && shownOf(state.moment);
  if (file === '' || !shown?.whole) return { ...state, fileName: null };
  if (!isKnownEnding(file)) {
    return { ...state, message: `It may end in ${ENDINGS}.` };
  }
  effects.push({ type: 'write-profile', file, profile: partOf(shown, state.profiles.range) });
  return { ...state, fileName: null };
}
