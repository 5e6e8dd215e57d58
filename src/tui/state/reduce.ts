import { pressed } from './keys.ts';
import { endOf } from './moment.ts';
import { profileLost, profiling, withProfile, withRecorded } from './profile/keys.ts';
import { shownOf } from './profile/shown.ts';
import { clicked, moved, scrolledTo, settled, sortBy } from './selection.ts';
import { withReport } from './state.ts';
import { passed, seekTo, withRecordings } from './time.ts';
import type { Action, Effect, State, Tools } from './types.ts';

export interface Next {
  state: State;
  effects: Effect[];
}

/** The result of an action. Pure; what others must do is returned as effects. */
export function reduce(state: State, action: Action, excerpt: Tools['excerpt']): Next {
  const next =
    action.type === 'key'
      ? pressed(state, action.key, excerpt)
      : { state: settled(apply(state, action, excerpt)), effects: [] };
  return {
    state: next.state,
    effects: [
      ...next.effects,
      ...wantsJudgement(next.state, state),
      ...wantsMarks(next.state, state),
      ...wantsProfile(next.state, state),
    ],
  };
}

/** Other rows are shown than before. */
function wantsJudgement({ moment, following, playing }: State, before: State): Effect[] {
  if (!moment || moment.recordings === before.moment?.recordings) return [];
  const urgent = (!following && !playing) || moment.report === null;
  return [{ type: 'judge', recordings: moment.recordings, atMs: moment.atMs, urgent }];
}

/** The bar is shown, and its marks must be computed. */
function wantsMarks(state: State, before: State): Effect[] {
  const wants = (one: State): boolean => one.marks === null && one.recordings.length > 0 && !one.following;
  const isNew = !wants(before) || (state.mode === 'replay' && state.recordings !== before.recordings);
  return wants(state) && isNew ? [{ type: 'marks', recordings: state.recordings }] : [];
}

/** The tab shows one that has not been read. */
function wantsProfile(state: State, before: State): Effect[] {
  const wanted = unreadIn(state);
  return wanted === null || wanted === unreadIn(before) ? [] : [{ type: 'read-profile', id: wanted }];
}

function unreadIn({ tab, moment }: State): string | null {
  const of = tab === 'profile' && moment ? shownOf(moment)?.of : undefined;
  return of && of.profile === null && of.problem === null ? of.id : null;
}

function apply(state: State, action: Exclude<Action, { type: 'key' }>, excerpt: Tools['excerpt']): State {
  switch (action.type) {
    case 'size':
      return scrolledTo({ ...state, columns: action.columns, rows: action.rows }, excerpt);
    case 'tick':
      return passed(state, action.ms);
    case 'recordings':
      return withRecordings(state, action.recordings, action.ended);
    case 'report':
      return withReport(state, action.report, action.atMs);
    case 'marks':
      return { ...state, marks: action.marks };
    case 'message':
      return { ...state, message: action.text };
    case 'show':
      return { ...state, overlay: { kind: 'text', title: action.title, lines: action.lines, top: 0 }, message: null };
    case 'profiling':
      return profiling(state, action.pid);
    case 'profile-lost':
      return profileLost(state, action.why);
    case 'profile':
      return withProfile(state, action.profile);
    case 'profiles':
      return withRecorded(state, action.profiles);
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
