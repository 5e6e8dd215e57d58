import type { Action, Effect, State } from '../../tui/state/types.ts';
import { writeProfile } from '../profile/write-profile.ts';
import { readRecorded } from './recorded-profiles.ts';

const FRAME_MS = 20;

/** Reads and writes profiles for a screen; false for other effects. */
export function performProfile(effect: Effect, dispatch: (action: Action) => void, state: () => State): boolean {
  if (effect.type === 'write-profile') {
    dispatch({ type: 'message', text: writeProfile(effect.profile, effect.file) });
    return true;
  }
  if (effect.type !== 'read-profile') return false;
  const { profiles, recordings } = state();
  const of = profiles.all.find(({ id }) => id === effect.id);
  // A frame that says so comes first.
  if (of) setTimeout(() => dispatch({ type: 'profile', profile: readRecorded(of, recordings) }), FRAME_MS);
  return true;
}
