/** The last line: the available keys, and what is going on. */
import { formatMs } from '../../util/text.ts';
import { endOf } from './moment.ts';
import { ENDINGS } from './profile/endings.ts';
import { shownOf } from './profile/shown.ts';
import { tableOf } from './state.ts';
import { line, span } from './text.ts';
import type { Line, State } from './types.ts';

export function footer(state: State): Line {
  if (state.typing) return [span(` /${tableOf(state).filter}`, 'strong'), span('▏ Enter keeps, Esc clears', 'dim')];
  if (state.fileName !== null) return fileNameLine(state);
  if (state.message) return line(` ${state.message}`, 'warn');
  const { filter } = tableOf(state);
  const cleared = `${runningText(state)}${filter === '' ? '' : ` filter "${filter}", c clears `}`;
  const room = state.columns - cleared.length;
  let keys = '';
  for (const key of keysOf(state)) {
    if (keys.length + key.length + 2 <= room) keys += `${keys === '' ? ' ' : '  '}${key}`;
  }
  return [span(cleared, 'warn'), span(keys, 'dim')];
}

/** Why it cannot be read comes after the name. */
function fileNameLine({ fileName, message }: State): Line {
  const about = message ? span(`▏ ${message}`, 'warn') : span(`▏ Enter writes, Esc cancels · ${ENDINGS}`, 'dim');
  return [span(` write to: ${fileName}`, 'strong'), about];
}

/** In any tab. */
function runningText({ profiles: { running }, atMs, recordings }: State): string {
  if (!running) return '';
  const ageMs = Math.max(0, Math.max(atMs, endOf(recordings)) - running.sinceMs);
  return ` ● profile, ${formatMs(ageMs)}: f ends it `;
}

const COMMON_KEYS = ['q quit', '? help', 'Tab view', '⏎ details'];
const REPLAY_KEYS = [...COMMON_KEYS, 'space play', 'n finding', '. event', '[ ] seek', '+ − speed', '/ filter'];

const PROFILE_KEYS = ['q quit', '? help', '⏎ details', 't functions, calls, callers'];
const TREE_KEYS = ['q quit', '? help', '⏎ details', 't functions, calls, callers', '← → fold, unfold'];

function keysOf(state: State): readonly string[] {
  if (state.tab === 'profile' && state.moment && shownOf(state.moment)) {
    const keys = state.profiles.view === 'functions' ? PROFILE_KEYS : TREE_KEYS;
    return [...keys, 'w write to a file', '/ filter', ...(state.mode === 'live' ? ['f profile'] : [])];
  }
  return state.mode === 'live' ? liveKeys(state) : REPLAY_KEYS;
}

function liveKeys({ following, refreshMs }: State): string[] {
  const pause = following ? 'space pause' : 'space go on';
  return [...COMMON_KEYS, pause, '/ filter', 'd dump', 'f profile', 's save', `+ − refresh ${formatMs(refreshMs)}`];
}
