import type { Connection } from '../attach/connect.ts';
import { takeDump } from '../attach/take-dump.ts';
import { TargetError } from '../attach/target-error.ts';
import { type Watching, watchRows } from '../attach/watch-rows.ts';
import { familyName, recordingFolder } from '../recording/paths.ts';
import { readRecording } from '../recording/reader.ts';
import { type Recording, rowsOf } from '../recording/types.ts';
import { openRecording } from '../recording/writer.ts';
import type { Hello, Road } from '../suspended/dump-parts.ts';
import { initialState } from '../tui/state/index.ts';
import type { Effect } from '../tui/state/types.ts';
import type { Dispatch, EndSignal } from '../tui/views/app.ts';
import type { Look } from '../tui/views/palette.ts';
import { painter } from '../util/terminal.ts';
import { displayPath, formatMs } from '../util/text.ts';
import { ANNOUNCED_MS, estimateOf } from './dump-costs.ts';
import { dumpText } from './dump-text.ts';

/** A stall is shown at once, and so is its end; very many of them are some frames a second. */
const HURRY_MS = 50;
/** The agent writes its last rows when the socket is closed already. */
const LAST_ROWS = { tries: 20, everyMs: 100 };

/** Shows a process live until somebody quits: resolves to the signal that ended it, or null after `q`. */
export async function showLive(
  connecting: Promise<Connection>,
  subject: string,
  look: Look,
): Promise<EndSignal | null> {
  const { runApp } = await import('../tui/views/app.ts');
  let connection: Connection | null = null;
  let watching: Watching | null = null;
  let closed = false;
  let agreedToDump = false;
  return runApp({
    initial: (columns, rows) => initialState('live', subject, columns, rows),
    look,
    start(dispatch, state) {
      let timer: NodeJS.Timeout | null = null;
      const flush = (): void => {
        if (timer) clearTimeout(timer);
        timer = null;
        if (watching) dispatch({ type: 'recordings', recordings: watching.recordings() });
      };
      const follow = async (): Promise<void> => {
        connection = await connecting;
        if (closed) return connection.close();
        watching = watchRows(connection, (urgent) => {
          const hurry = urgent || state().moment === null;
          if (hurry && timer) clearTimeout(timer);
          if (hurry) timer = setTimeout(flush, HURRY_MS);
          else timer ??= setTimeout(flush, state().refreshMs);
        });
        await watching.ended;
      };
      follow().catch(async (error: unknown) => {
        if (closed) return;
        if (!(error instanceof TargetError)) throw error;
        dispatch({ type: 'recordings', recordings: watching?.recordings() ?? [], ended: error.message });
        const complete = await lastRows(watching?.recordings() ?? []);
        if (!closed) dispatch({ type: 'recordings', recordings: complete });
      });
      return () => {
        closed = true;
        if (timer) clearTimeout(timer);
        connection?.close();
      };
    },
    perform(effect: Effect, dispatch, state) {
      if (!connection || !watching) return dispatch({ type: 'message', text: 'There is no connection yet.' });
      if (effect.type === 'save') return dispatch({ type: 'message', text: save(watching.recordings()) });
      if (effect.type !== 'dump') return;
      dump(connection, dispatch, state().columns - 4, agreedToDump)
        .then((done) => {
          agreedToDump = !done;
        })
        .catch((error: Error) => dispatch({ type: 'message', text: error.message }));
    },
  });
}

/** As full as it can be without a pause that somebody has to agree to. False where it waits for that. */
async function dump(connection: Connection, dispatch: Dispatch, width: number, agreed: boolean): Promise<boolean> {
  const { quickMs, fullMs, neededBytes, availableBytes } = await estimateOf(connection);
  const road: Road = fullMs <= ANNOUNCED_MS && neededBytes < availableBytes ? 'full' : 'quick';
  if (road === 'quick' && quickMs > ANNOUNCED_MS && !agreed) {
    const text = `A dump stops the process for about ${formatMs(quickMs)}: press d again to take it.`;
    dispatch({ type: 'message', text });
    return false;
  }
  const onProgress = (words: string): void => dispatch({ type: 'message', text: `${words} …` });
  // That of the connection is as old as the connection.
  const hello = (await connection.request('hello')) as Hello;
  const taken = await takeDump({ ...connection, hello }, { road, onProgress });
  const text = dumpText(taken, { paint: painter(false), width, expand: true });
  dispatch({ type: 'show', title: `${road === 'full' ? 'Full' : 'Quick'} dump`, lines: text.trimEnd().split('\n') });
  return true;
}

/** Writes what the screen has to a family of its own; tells where, or why not. */
function save(recordings: readonly Recording[]): string {
  const [root] = recordings;
  if (!root) return 'Nothing is known yet.';
  const family = `${process.env.EVDIAG_OUT || '.evdiag'}/${familyName(root.header.pid, new Date())}`;
  try {
    for (const { header, rows } of recordings) {
      const folder = recordingFolder(family, header.pid, header.threadId);
      const writer = openRecording(folder, header, Number.POSITIVE_INFINITY, () => {});
      for (const row of rows) writer.write(row);
      writer.close();
    }
    return `Saved: evdiag replay ${displayPath(family)}`;
  } catch (error) {
    return `It could not be saved: ${(error as Error).message}`;
  }
}

/** With the rows that the agent wrote after it had closed its socket. */
async function lastRows(recordings: readonly Recording[]): Promise<Recording[]> {
  let complete = [...recordings];
  for (let i = 0; i < LAST_ROWS.tries; i++) {
    complete = recordings.map(reread);
    if (complete.every((recording) => recording.path === null || rowsOf(recording, 'end').length > 0)) break;
    await new Promise((resolve) => setTimeout(resolve, LAST_ROWS.everyMs));
  }
  return complete;
}

function reread(recording: Recording): Recording {
  if (recording.path === null) return recording;
  try {
    const { pid, startedAt } = recording.header;
    const found = readRecording(recording.path).find(
      ({ header }) => header.pid === pid && header.startedAt === startedAt,
    );
    return found ? { ...found, truncated: false } : recording;
  } catch {
    return recording; // it was removed, or never written
  }
}
