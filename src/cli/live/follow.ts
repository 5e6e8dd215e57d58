/** Feeds a screen with what the agents of running processes record. */
import type { Connection } from '../../attach/connect.ts';
import { TargetError } from '../../attach/target-error.ts';
import { type Watching, watchRows } from '../../attach/watch-rows.ts';
import { inFamilyOrder } from '../../recording/family.ts';
import { readRecording } from '../../recording/reader.ts';
import { type Recording, rowsOf } from '../../recording/types.ts';
import type { Action, State } from '../../tui/state/types.ts';
import { type Crowd, gather } from './crowd.ts';

/** A stall is shown at once, and so is its end; very many of them are limited to some frames a second. */
const HURRY_MS = 50;
/** The agent writes its last rows after it has closed the socket. */
const LAST_ROWS = { tries: 20, everyMs: 100 };
/** Ended threads that are still shown; the recordings have all. */
const MAX_ENDED = 100;
const NOBODY =
  'The program has ended, and no process of it could be watched: it is not a Node.js program, or it ended too soon.';

export interface FollowOptions {
  dispatch(action: Action): void;
  state(): State;
  /** All processes have ended. */
  onGone?: (() => void) | undefined;
}

/** Dispatches rows until all processes have ended, then calls `onGone`; then the whole recordings. */
export class Following {
  readonly #options: FollowOptions;
  readonly #crowd: Crowd;
  readonly #gathering: ReturnType<typeof gather>;
  readonly #watchings = new Set<Watching>();
  /** Of those that have ended. */
  #past: Recording[] = [];
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(crowd: Crowd, options: FollowOptions) {
    this.#options = options;
    this.#crowd = crowd;
    this.#gathering = gather(
      crowd,
      (connection) => this.#attend(connection),
      (error) => void this.#end(error),
    );
  }

  /** To the process with that number, or to any; null until there is one. */
  connection(pid?: number): Connection | null {
    const all = this.#gathering.connections();
    return all.find(({ hello }) => hello.pid === pid) ?? (pid === undefined ? (all[0] ?? null) : null);
  }

  /** Numbers of the processes that are there. */
  pids(): number[] {
    return this.#gathering.connections().map(({ hello }) => hello.pid);
  }

  recordings(): Recording[] {
    return inFamilyOrder([...this.#past, ...[...this.#watchings].flatMap((watching) => watching.recordings())]);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
    this.#gathering.stop();
  }

  #attend(connection: Connection): Promise<unknown> {
    const watching = watchRows(connection, (urgent) => this.#onRows(urgent));
    this.#watchings.add(watching);
    return watching.ended.catch((error: unknown) => {
      this.#left(watching, error);
      throw error;
    });
  }

  #onRows(urgent: boolean): void {
    const { moment, refreshMs } = this.#options.state();
    const hurry = urgent || moment === null;
    if (hurry) this.#cancel();
    this.#timer ??= setTimeout(() => this.#flush(), hurry ? HURRY_MS : refreshMs);
  }

  #flush(): void {
    this.#cancel();
    if (!this.#stopped) this.#options.dispatch({ type: 'recordings', recordings: this.recordings() });
  }

  #cancel(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #left(watching: Watching, error: unknown): void {
    const left = watching.recordings();
    this.#watchings.delete(watching);
    this.#past = [...this.#past, ...left].slice(-MAX_ENDED);
    if (this.#watchings.size === 0) return;
    // The end of a process is shown.
    if (error instanceof TargetError && error.code === 'too-slow') {
      this.#options.dispatch({ type: 'message', text: error.message });
    }
    // The others go on while its last rows are read.
    void lastRows(left).then((complete) => {
      this.#past = this.#past.map((one) => complete.find((read) => isSame(one, read)) ?? one);
      this.#flush();
    });
  }

  async #end(error: Error | null): Promise<void> {
    this.#cancel();
    if (this.#stopped) return;
    const { onGone, dispatch } = this.#options;
    onGone?.();
    dispatch({ type: 'recordings', recordings: this.recordings(), ended: error?.message ?? NOBODY });
    const complete = withMissed(await lastRows(this.recordings()), this.#crowd.family);
    if (!this.#stopped && complete.length > 0) dispatch({ type: 'recordings', recordings: complete });
  }
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

/** Including those of the family that were too short to connect to. */
function withMissed(recordings: readonly Recording[], family: string | null): Recording[] {
  const missed = (family === null ? [] : tryRead(family)).filter((one) => !recordings.some((met) => isSame(met, one)));
  return inFamilyOrder([...recordings, ...missed]);
}

/** None if they were removed, or never written. */
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
