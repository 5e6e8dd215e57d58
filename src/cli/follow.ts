/** Feeds a screen with what the agent of a running process records. */
import type { ChildProcess } from 'node:child_process';
import { type Connection, connect } from '../attach/connect.ts';
import { TargetError } from '../attach/target-error.ts';
import { type Watching, watchRows } from '../attach/watch-rows.ts';
import { readRecording } from '../recording/reader.ts';
import { type Recording, rowsOf } from '../recording/types.ts';
import type { Action, State } from '../tui/state/types.ts';

/** A program may take its time until its agent listens. */
const CONNECT_MS = 10_000;
/** A stall is shown at once, and so is its end; very many of them are some frames a second. */
const HURRY_MS = 50;
/** The agent writes its last rows when the socket is closed already. */
const LAST_ROWS = { tries: 20, everyMs: 100 };

export interface Following {
  /** Null until there is a connection. */
  connection(): Connection | null;
  recordings(): Recording[];
  stop(): void;
}

/** Dispatches what comes until the process has gone, of which `onGone` is told; then its whole recording. */
export function follow(
  connecting: Promise<Connection>,
  dispatch: (action: Action) => void,
  state: () => State,
  onGone: () => void = () => {},
): Following {
  let connection: Connection | null = null;
  let watching: Watching | null = null;
  let timer: NodeJS.Timeout | null = null;
  let stopped = false;
  const recordings = (): Recording[] => watching?.recordings() ?? [];
  const flush = (): void => {
    if (timer) clearTimeout(timer);
    timer = null;
    dispatch({ type: 'recordings', recordings: recordings() });
  };
  const begin = async (): Promise<void> => {
    connection = await connecting;
    if (stopped) {
      connection.close();
      return;
    }
    watching = watchRows(connection, (urgent) => {
      const hurry = urgent || state().moment === null;
      if (hurry && timer) clearTimeout(timer);
      if (hurry) timer = setTimeout(flush, HURRY_MS);
      else timer ??= setTimeout(flush, state().refreshMs);
    });
    await watching.ended;
  };
  const end = async (error: unknown): Promise<void> => {
    if (timer) clearTimeout(timer);
    if (stopped) return;
    if (!(error instanceof TargetError)) throw error;
    onGone();
    dispatch({ type: 'recordings', recordings: recordings(), ended: error.message });
    const complete = await lastRows(recordings());
    if (!stopped) dispatch({ type: 'recordings', recordings: complete });
  };
  // What is no TargetError is a bug, and goes on as an unhandled rejection.
  void begin().catch(end);
  return {
    connection: () => connection,
    recordings,
    stop() {
      stopped = true;
      if (timer) clearTimeout(timer);
      connection?.close();
    },
  };
}

/** Connects to the agent of a program that has just been started. Throws TargetError. */
export async function connectTo(child: ChildProcess): Promise<Connection> {
  const giveUpAt = performance.now() + CONNECT_MS;
  for (;;) {
    try {
      return await connect(child.pid ?? 0);
    } catch (error) {
      if (!(error instanceof TargetError) || hasEnded(child) || performance.now() > giveUpAt) throw error;
    }
  }
}

export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
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
    const all = readRecording(recording.path);
    const found = all.find(({ header }) => header.pid === pid && header.startedAt === startedAt);
    return found ? { ...found, truncated: false } : recording;
  } catch {
    return recording; // it was removed, or never written
  }
}
