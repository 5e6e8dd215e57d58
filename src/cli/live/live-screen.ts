import { dumpText } from '../../async-dump/text.ts';
import { askLevel } from '../../attach/ask-level.ts';
import type { Connection } from '../../attach/connect.ts';
import { takeDump } from '../../attach/take-dump.ts';
import type { DumpMode } from '../../protocol/dump-parts.ts';
import { BUDGET_SHARE } from '../../recording/defaults.ts';
import { familyName, recordingFolder } from '../../recording/paths.ts';
import type { Level, Recording } from '../../recording/types.ts';
import { openRecording } from '../../recording/writer.ts';
import { threadKey } from '../../tui/state/moment.ts';
import { initialState } from '../../tui/state/state.ts';
import type { Action, Effect } from '../../tui/state/types.ts';
import type { Look } from '../../tui/views/palette.ts';
import type { EndSignal } from '../../util/end-signals.ts';
import { painter } from '../../util/terminal.ts';
import { displayPath, formatMs, formatShare } from '../../util/text.ts';
import { ANNOUNCED_MS, estimateOf } from '../dump-costs.ts';
import type { Crowd } from './crowd.ts';
import { Following } from './follow.ts';
import { LeakHunt } from './leak-hunt.ts';
import { createLiveProfile } from './live-profile.ts';
import { performProfile } from './profile-effects.ts';
import { recordedProfiles } from './recorded-profiles.ts';

export interface LiveOptions {
  /** What is watched, in words. */
  subject: string;
  look: Look;
  /** Of the main thread that is shown first; by default the first that is no launcher. */
  pid?: number;
  /** All processes have ended. */
  onGone?: () => void;
  /** The screen is closed: the processes that were watched to the end. */
  onClose?: (pids: readonly number[]) => void;
}

/** Shows processes live until the user quits: resolves to the signal that ended it, or null after `q`. */
export async function showLive(
  crowd: Crowd,
  { subject, look, pid, onGone, onClose }: LiveOptions,
): Promise<EndSignal | null> {
  const { oneScreen, runApp } = await import('../../tui/views/app.ts');
  let following: Following | null = null;
  let agreedToDump = false;
  const hunt = new LeakHunt();
  const profile = createLiveProfile();
  return runApp({
    machine: oneScreen,
    initial: (columns, rows) => ({
      ...initialState('live', subject, columns, rows),
      thread: pid === undefined ? null : threadKey({ pid, threadId: 0 }),
    }),
    look,
    start(dispatch, state) {
      const forward = (action: Action): void => {
        dispatch(action);
        // The profiles beside the recordings: they do not change any more.
        if (action.type !== 'recordings' || state().ended === null) return;
        dispatch({ type: 'profiles', profiles: recordedProfiles(state().recordings) });
      };
      const started = new Following(crowd, { dispatch: forward, state, onGone });
      following = started;
      return () => {
        onClose?.(started.pids());
        started.stop();
        hunt.stop();
      };
    },
    perform(effect: Effect, dispatch, state) {
      const shown = state().moment?.chosen.header.pid;
      const connection = following?.connection(shown);
      if (performProfile(effect, dispatch, state)) return;
      if (effect.type === 'profile' && profile.isRunning()) profile.press(null, dispatch, state);
      else if (effect.type === 'save') dispatch({ type: 'message', text: save(following?.recordings() ?? []) });
      else if (!connection) {
        dispatch({
          type: 'message',
          text: shown === undefined ? 'There is no connection yet.' : `Process ${shown} has ended.`,
        });
      } else if (effect.type === 'profile') {
        profile.press(connection, dispatch, state);
      } else if (effect.type === 'level') {
        askLevel(connection, effect.level)
          .then(() => dispatch({ type: 'message', text: levelText(connection.hello.pid, effect.level) }))
          .catch((error: Error) => dispatch({ type: 'message', text: error.message }));
      } else if (effect.type === 'snapshot' || effect.type === 'hunt') {
        hunt.perform(effect.type, connection, dispatch);
      } else if (effect.type === 'dump') {
        dump(connection, dispatch, state().columns - 4, agreedToDump)
          .then((done) => {
            agreedToDump = !done;
          })
          .catch((error: Error) => dispatch({ type: 'message', text: error.message }));
      }
    },
  });
}

function levelText(pid: number, level: Level): string {
  const what = level === 'diagnose' ? 'for the desk' : 'made for production';
  return `Process ${pid} is at level ${level} now: ${what}, ${formatShare(BUDGET_SHARE[level])} of a thread's time.`;
}

/** A full dump if its pause needs no consent. False if it waits for the user to agree. */
async function dump(
  connection: Connection,
  dispatch: (action: Action) => void,
  width: number,
  agreed: boolean,
): Promise<boolean> {
  const { quickMs, fullMs, neededBytes, availableBytes } = await estimateOf(connection);
  const mode: DumpMode = fullMs <= ANNOUNCED_MS && neededBytes < availableBytes ? 'full' : 'quick';
  if (mode === 'quick' && quickMs > ANNOUNCED_MS && !agreed) {
    const text = `A dump pauses the process for about ${formatMs(quickMs)}: press d again to take it.`;
    dispatch({ type: 'message', text });
    return false;
  }
  const onProgress = (words: string): void => dispatch({ type: 'message', text: `${words} …` });
  // That of the connection is as old as the connection.
  const hello = await connection.request('hello', {});
  const taken = await takeDump({ ...connection, hello }, { mode, onProgress });
  const text = dumpText(taken, { paint: painter(false), width, expand: true });
  dispatch({ type: 'show', title: `${mode === 'full' ? 'Full' : 'Quick'} dump`, lines: text.trimEnd().split('\n') });
  return true;
}

/** Writes what the screen has to a family of its own; says where, or why not. */
function save(recordings: readonly Recording[]): string {
  const [root] = recordings;
  if (!root) return 'Nothing is known yet.';
  const family = `${process.env.EVDIAG_OUT || '.evdiag'}/${familyName(root.header.pid, new Date())}`;
  try {
    for (const { header, rows } of recordings) {
      const folder = recordingFolder(family, header.pid, header.threadId);
      const writer = openRecording(folder, header, Number.POSITIVE_INFINITY, (message) => {
        throw new Error(message);
      });
      for (const row of rows) writer.write(row);
      writer.close();
    }
    return `Saved: evdiag replay ${displayPath(family)}`;
  } catch (error) {
    return `It could not be saved: ${(error as Error).message}`;
  }
}
