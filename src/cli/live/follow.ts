/** Feeds a screen with what the agents of running processes record. */
import type { Connection } from '../../attach/connect.ts';
import { TargetError } from '../../attach/target-error.ts';
import { type Watching, watchRows } from '../../attach/watch-rows.ts';
import { inFamilyOrder } from '../../recording/family.ts';
import { readRecording } from '../../recording/reader.ts';
import { type Recording, rowsOf } from '../../recording/types.ts';
import type { Action, State } from '../../tui/state/types.ts';
import { type Crowd, gather } from './crowd.ts';

/** A stall is shown at once, and so is its end; very many of them are some frames a second. */
const HURRY_MS = 50;
/** The agent writes its last rows when the socket is closed already. */
const LAST_ROWS = { tries: 20, everyMs: 100 };
/** Threads that have ended and are shown still; the recordings have all. */
const MAX_ENDED = 100;
const NOBODY = 'The program has ended, and no process of it could be watched: it ran without Node.js, or too shortly.';

export interface Following {
  /** To the process with that number, else to any; null until there is one. */
  connection(pid?: number): Connection | null;
  /** Numbers of the processes that are there. */
  pids(): number[];
  recordings(): Recording[];
  stop(): void;
}

/** Dispatches what comes until everybody has gone, of which `onGone` is told; then the whole recordings. */
export function follow(
  crowd: Crowd,
  dispatch: (action: Action) => void,
  state: () => State,
  onGone: () => void = () => {},
): Following {
  const watchings = new Set<Watching>();
  let past: Recording[] = [];
  let timer: NodeJS.Timeout | null = null;
  let stopped = false;
  const recordings = (): Recording[] =>
    inFamilyOrder([...past, ...[...watchings].flatMap((watching) => watching.recordings())]);
  const flush = (): void => {
    if (timer) clearTimeout(timer);
    timer = null;
    if (!stopped) dispatch({ type: 'recordings', recordings: recordings() });
  };
  const onRows = (urgent: boolean): void => {
    const hurry = urgent || state().moment === null;
    if (hurry && timer) clearTimeout(timer);
    if (hurry) timer = setTimeout(flush, HURRY_MS);
    else timer ??= setTimeout(flush, state().refreshMs);
  };
  const attend = (connection: Connection): Promise<unknown> => {
    const watching = watchRows(connection, onRows);
    watchings.add(watching);
    return watching.ended.catch((error: unknown) => {
      const left = watching.recordings();
      watchings.delete(watching);
      past = [...past, ...left].slice(-MAX_ENDED);
      // The others go on: what it wrote last is read meanwhile.
      if (watchings.size > 0) {
        // That a process has ended is seen.
        if (error instanceof TargetError && error.code === 'too-slow')
          dispatch({ type: 'message', text: error.message });
        void lastRows(left).then((complete) => {
          past = past.map((one) => complete.find((read) => isSame(one, read)) ?? one);
          flush();
        });
      }
      throw error;
    });
  };
  const end = async (error: Error | null): Promise<void> => {
    if (timer) clearTimeout(timer);
    if (stopped) return;
    onGone();
    dispatch({ type: 'recordings', recordings: recordings(), ended: error?.message ?? NOBODY });
    const complete = withMissed(await lastRows(recordings()), crowd.family);
    if (!stopped && complete.length > 0) dispatch({ type: 'recordings', recordings: complete });
  };
  const gathering = gather(crowd, attend, (error) => void end(error));
  return {
    connection(pid) {
      const all = gathering.connections();
      return all.find(({ hello }) => hello.pid === pid) ?? (pid === undefined ? (all[0] ?? null) : null);
    },
    pids: () => gathering.connections().map(({ hello }) => hello.pid),
    recordings,
    stop() {
      stopped = true;
      if (timer) clearTimeout(timer);
      gathering.stop();
    },
  };
}

/** With the rows that the agents wrote after they had closed their sockets. */
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
  const found = tryRead(recording.path).find((one) => isSame(one, recording));
  return found ? { ...found, truncated: false } : recording;
}

/** With those of the family that were too short to be met. */
function withMissed(recordings: readonly Recording[], family: string | null): Recording[] {
  const missed = (family === null ? [] : tryRead(family)).filter((one) => !recordings.some((met) => isSame(met, one)));
  return inFamilyOrder([...recordings, ...missed]);
}

/** None where they were removed, or never written. */
function tryRead(path: string): Recording[] {
  try {
    return readRecording(path);
  } catch {
    return [];
  }
}

function isSame(a: Recording, b: Recording): boolean {
  return (
    a.header.pid === b.header.pid &&
    a.header.threadId === b.header.threadId &&
    a.header.startedAt === b.header.startedAt
  );
}
