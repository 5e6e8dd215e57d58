/** Which processes are watched together, and how they are found as they come and go. */
import type { ChildProcess } from 'node:child_process';
import { type Connection, connect } from '../../attach/connect.ts';
import { listAgents } from '../../attach/list-agents.ts';
import { TargetError } from '../../attach/target-error.ts';
import type { Hello } from '../../protocol/hello.ts';

/** How often new processes are searched, which reads a small folder. */
const LOOK_MS = 400;
/** A process that lists a socket and does not answer may be starting, or ending. */
const MAX_TRIES = 20;
/** No more are watched at once. */
const MAX_MEMBERS = 64;

export interface Crowd {
  /** Connected already. */
  known: readonly Connection[];
  /** Numbers of processes that may belong to it. */
  candidates(): readonly number[];
  belongs(hello: Hello): boolean;
  /** Further ones may come, even if there is none now. */
  mayCome(): boolean;
  /** Where all of them record; null if they have no folder in common. */
  family: string | null;
}

/** The process and all that record beside it: its parents, children, siblings under the agent. */
export function familyOf(connection: Connection): Crowd {
  const { pid, family } = connection.hello;
  return {
    known: [connection],
    candidates: () => listAgents(pid),
    belongs: (hello) => hello.family === family,
    mayCome: () => false,
    family,
  };
}

/** A program that was just started, and its children; it need not be Node.js itself. */
export function programOf(child: ChildProcess, family: string): Crowd {
  return {
    known: [],
    // Windows has no list.
    candidates: () => (process.platform === 'win32' ? [child.pid ?? 0] : listAgents()),
    belongs: (hello) => hello.family === family || hello.pid === child.pid,
    mayCome: () => !hasEnded(child),
    family,
  };
}

/** All processes with the agent, now and later. */
export function everybody(known: readonly Connection[]): Crowd {
  return { known, candidates: () => listAgents(), belongs: () => true, mayCome: () => false, family: null };
}

export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

export interface Gathering {
  /** Of those that are there now. */
  connections(): Connection[];
  stop(): void;
}

/**
 * Connects to each member of the crowd. `attend` is called once for each, and rejects with TargetError when it has gone.
 * `onEnd` is called when none is left and none may come, with why the last one ended; null if there never was one.
 */
export function gather(
  crowd: Crowd,
  attend: (connection: Connection) => Promise<unknown>,
  onEnd: (last: TargetError | null) => void,
): Gathering {
  const members = new Map<number, Connection>();
  /** How often a process was asked; those that do not belong, or have disconnected, are not asked again. */
  const tries = new Map<number, number>();
  let last: TargetError | null = null;
  let stopped = false;
  let timer: NodeJS.Timeout | null = null;

  const join = (connection: Connection): void => {
    const { pid } = connection.hello;
    members.set(pid, connection);
    tries.set(pid, MAX_TRIES);
    attend(connection).catch((error: unknown) => {
      if (!(error instanceof TargetError)) throw error;
      last = error;
      connection.close();
      members.delete(pid);
      look();
    });
  };
  const ask = async (pid: number): Promise<void> => {
    tries.set(pid, (tries.get(pid) ?? 0) + 1);
    try {
      const connection = await connect(pid);
      if (stopped || members.has(pid) || members.size >= MAX_MEMBERS || !crowd.belongs(connection.hello)) {
        tries.set(pid, MAX_TRIES);
        connection.close();
      } else join(connection);
    } catch (error) {
      // It is not there yet, or has ended.
      if (!(error instanceof TargetError)) throw error;
    }
  };
  function look(): void {
    if (timer) clearTimeout(timer);
    if (stopped) return;
    const candidates = crowd.candidates();
    for (const pid of tries.keys()) if (!candidates.includes(pid) && !members.has(pid)) tries.delete(pid);
    const asked = candidates.filter((pid) => !members.has(pid) && (tries.get(pid) ?? 0) < MAX_TRIES).map(ask);
    void Promise.all(asked).then(() => {
      if (members.size > 0 || crowd.mayCome() || stopped) return;
      stop();
      onEnd(last);
    });
    timer = setTimeout(look, LOOK_MS);
  }
  function stop(): void {
    stopped = true;
    if (timer) clearTimeout(timer);
    for (const connection of members.values()) connection.close();
  }

  for (const connection of crowd.known) join(connection);
  look();
  return { connections: () => [...members.values()], stop };
}
