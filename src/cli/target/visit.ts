/** Reaching a process for one command: where the agent is not there, it is loaded for that, and taken away again. */
import { type Attached, attach } from '../../attach/attach.ts';
import { attachability } from '../../attach/attachable.ts';
import { type Connection, connect, connectIfThere } from '../../attach/connect.ts';
import { askToLeave } from '../../attach/leave.ts';
import { TargetError } from '../../attach/target-error.ts';
import type { Level } from '../../recording/types.ts';
import { formatMs } from '../../util/text.ts';
import { complain } from '../output.ts';
import { progressLine, question } from '../progress.ts';

export interface VisitOptions {
  /** Load the agent where it is not there, without asking. */
  attach?: boolean;
  /** The user says that the program does not handle SIGUSR1 itself. */
  sigusr1?: boolean;
  /** Called before the agent is loaded, with the size of the main thread's heap: what it throws is thrown, and nothing is loaded. */
  consent?(heapBytes: number): void;
}

export interface Visit {
  connection: Connection;
  /** The agent was not there before. */
  isNew: boolean;
  /** To be called at the end: an agent that was brought leaves. Never throws. */
  end(): Promise<void>;
}

/** An agent that was brought goes by itself when whoever brought it has gone without a word. */
const ALONE_MS = 2000;
/** A native call may take that long before the agent gets in. */
const TIMEOUT_MS = 30_000;

/** Runs with a connection to the process. Throws TargetError where it cannot be reached, or nobody wants the agent loaded. */
export async function withTarget<T>(
  pid: number,
  options: VisitOptions,
  use: (connection: Connection, isNew: boolean) => Promise<T>,
  level: Level = 'watch',
): Promise<T> {
  const visit = await reach(pid, options, level);
  try {
    return await use(visit.connection, visit.isNew);
  } finally {
    await visit.end();
  }
}

export async function reach(pid: number, options: VisitOptions, level: Level = 'watch'): Promise<Visit> {
  try {
    const connection = await (options.attach ? connectIfThere(pid) : connect(pid));
    return { connection, isNew: false, end: async () => connection.close() };
  } catch (error) {
    if (!(error instanceof TargetError) || error.code !== 'no-agent') throw error;
    if (!(await isWanted(pid, options, error))) throw new TargetError(`Nothing was loaded into process ${pid}.`);
  }
  const { connection, closeAgain } = await bring(pid, options, level);
  const end = async (): Promise<void> => {
    await takeAway(connection);
    await closeAgain();
  };
  return { connection, isNew: true, end };
}

/** Whether the agent is to be loaded. Throws where it cannot be, or where nobody can be asked. */
async function isWanted(
  pid: number,
  { attach: isAsked, sigusr1 }: VisitOptions,
  reason: TargetError,
): Promise<boolean> {
  if (isAsked) return true;
  const { obstacle, text, openPort } = attachability(pid, { force: sigusr1 === true });
  if (obstacle)
    throw new TargetError(obstacle === 'not-node' ? text : `${reason.message} It cannot be loaded now: ${text}`);
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new TargetError(`${reason.message} With --attach it is loaded for this command and leaves afterwards.`);
  }
  complain(`Process ${pid} runs without the agent. It can be loaded for this command, and leaves afterwards.`);
  if (openPort === null) complain(announcement());
  return /^y/i.test(await question('Load it? y or n: '));
}

/** What whoever runs the process will see of it. */
function announcement(): string {
  return 'Node prints three lines on the stderr of that process: "Debugger listening on ws://127.0.0.1:9229/…", "For help, see: …" and "Debugger attached." A TCP port is open on loopback for some ms.';
}

async function bring(pid: number, { sigusr1, consent }: VisitOptions, level: Level): Promise<Attached> {
  const progress = progressLine();
  const stop = new AbortController();
  const interrupted = (): void => stop.abort();
  process.once('SIGINT', interrupted);
  try {
    const attached = await attach(pid, {
      env: visitEnvironment(level),
      aloneMs: ALONE_MS,
      forMs: null,
      record: false,
      force: sigusr1 === true,
      timeoutMs: TIMEOUT_MS,
      signal: stop.signal,
      onProgress: progress.show,
      ...(consent && { consent }),
    });
    progress.clear();
    complain(`The agent was loaded into process ${pid}${windowText(attached.windowMs, attached.port)}.`);
    return attached;
  } finally {
    progress.clear();
    process.off('SIGINT', interrupted);
  }
}

/** It prints nothing on the process's stderr. */
export function visitEnvironment(level: Level): Record<string, string> {
  return { EVDIAG_QUIET: '1', EVDIAG_SUMMARY: '0', EVDIAG_METRICS: '0', EVDIAG_WHY: '0', EVDIAG_LEVEL: level };
}

export function windowText(windowMs: number | null, port: number | null): string {
  if (port === null) return ' by another evdiag';
  return windowMs === null
    ? ` through its open inspector (port ${port})`
    : `; port ${port} was open on loopback for ${formatMs(windowMs)}`;
}

/** The agent leaves; says so. Never throws. */
async function takeAway(connection: Connection): Promise<void> {
  const { pid } = connection.hello;
  try {
    const { blocked, stays } = await askToLeave(connection, { ifAlone: true });
    if (stays) complain(`Others use the agent in process ${pid}: it leaves after them.`);
    else complain(blocked.length === 0 ? `The agent has left process ${pid}.` : blockedText(pid));
  } catch {
    // It has ended, or the agent goes by itself.
  } finally {
    connection.close();
  }
}

/** For where the connection of a visit has been closed: an agent that was brought is asked by another one. */
export async function endAnew(visit: Visit): Promise<void> {
  if (!visit.isNew) return;
  const { pid } = visit.connection.hello;
  const again = await connect(pid).catch(() => null);
  if (again) await takeAway(again);
}

export function blockedText(pid: number): string {
  return `Process ${pid} is blocked: the agent leaves as soon as it returns to its event loop.`;
}
