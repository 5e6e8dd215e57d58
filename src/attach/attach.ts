/** Loads the agent into a process that was started without it, through its inspector, which is closed again at once. */
import { readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { AttachOptions } from '../protocol/attach-options.ts';
import { builtFile, packageVersion } from '../util/package-root.ts';
import { agentFolders } from '../util/run-folder.ts';
import { isObject } from '../util/shapes.ts';
import { attachability, signalObstacle } from './attachable.ts';
import { type Connection, connectTo } from './connect.ts';
import { closeIfOpen, closePort } from './inspector/close-port.ts';
import { type Closer, startCloser } from './inspector/closer.ts';
import {
  evaluation,
  loadExpression,
  type Preflight,
  preflightExpression,
  uploadExpression,
} from './inspector/expressions.ts';
import { type InspectorClient, NoInspector, openInspector } from './inspector/inspector-client.ts';
import { loadInWorkers } from './inspector/load-in-workers.ts';
import { isOpen, type OpenPort, openPort, StillBusy, waitForClose } from './inspector/open-port.ts';
import { atSafeMoment } from './inspector/safe-moment.ts';
import { wayTo } from './inspector/streams.ts';
import { listenersOf } from './process/listeners.ts';
import { startTicks } from './process/state.ts';
import { endedText, TargetError } from './target-error.ts';
import { inTurn } from './turn.ts';

/** Of the agent, beside one another. */
const FILES = ['agent.cjs', 'watchdog.cjs'];
/** A blocked thread evaluates between two of its own instructions; one in a native call when that returns. */
const EVALUATE_MS = 60_000;
/** The agent's thread starts in 50 to 100 ms; in a process that gets a hundredth of a core in half a minute. */
const SOCKET_MS = 60_000;
/** Threads that have the agent announce themselves within 50 ms; on a busy machine later. */
const WORKERS_MS = 2000;
const RETRY_MS = 50;

export interface AttachRequest extends Pick<AttachOptions, 'aloneMs' | 'forMs' | 'record'> {
  /** EVDIAG_* of the agent. */
  env: Record<string, string>;
  /** The user says that the program does not handle SIGUSR1. */
  force?: boolean;
  /** How long its main thread may stay inside a native call. */
  timeoutMs: number;
  signal?: AbortSignal;
  onProgress?(words: string): void;
  /** Called before anything is loaded, with the size of the main thread's heap: what it throws ends the attempt. */
  consent?(heapBytes: number): void;
}

export interface Attached {
  connection: Connection;
  /** How long a TCP port was open on loopback; null where one had been open before, and was left. */
  windowMs: number | null;
  /** Null: it was loaded by another evdiag at the same time. */
  port: number | null;
  /** Closes the inspector if Node has opened it once more, which it may do late. Never throws. */
  closeAgain(): Promise<void>;
}

/** Throws TargetError; nothing stays behind then. Another evdiag that does the same goes first, and its agent is used then. */
export function attach(pid: number, request: AttachRequest): Promise<Attached> {
  return inTurn(pid, request.timeoutMs, async () => (await withOthers(pid)) ?? loadInto(pid, request));
}

/** Null where nobody has loaded it. */
async function withOthers(pid: number): Promise<Attached | null> {
  try {
    return { connection: await connectTo(pid, 0), windowMs: null, port: null, closeAgain: async () => {} };
  } catch (error) {
    if (error instanceof TargetError && error.code === 'no-agent') return null;
    throw error;
  }
}

async function loadInto(pid: number, request: AttachRequest): Promise<Attached> {
  const { obstacle, text, openPort: open } = attachability(pid, { force: request.force === true });
  if (obstacle) throw new TargetError(text);
  const started = startTicks(pid);
  try {
    return await (open === null ? throughOwn(pid, request) : throughOpen(pid, open, request));
  } catch (error) {
    if (startTicks(pid) !== started) throw new TargetError(endedText(pid), 'ended');
    throw error;
  }
}

/** Through an inspector that is open already, and stays so. */
async function throughOpen(pid: number, port: number, request: AttachRequest): Promise<Attached> {
  const { workers } = await load(pid, port, false, request);
  return { connection: await connectToAll(pid, workers, request), windowMs: null, port, closeAgain: async () => {} };
}

/** Through an inspector that is opened for it, and closed at once. */
async function throughOwn(pid: number, request: AttachRequest): Promise<Attached> {
  const before = new Set(listenersOf(pid).map(({ inode }) => inode));
  const opening = { before, started: startTicks(pid) };
  const closer = startCloser(pid, before);
  const { port, openedAt } = await opened(pid, before, closer, request);
  closer.opened(port);
  const closeAgain = (): Promise<void> => closeIfOpen(pid, port, opening);
  try {
    const { closedAt, workers } = await load(pid, port, true, request);
    const connection = await connectToAll(pid, workers, request);
    await closeAgain();
    return { connection, windowMs: closedAt - openedAt, port, closeAgain };
  } finally {
    if (isOpen(pid, port, before)) closer.leaveIt();
    else closer.release();
  }
}

/** Once the agent knows the threads as well; those that do not answer soon are not waited for. */
async function connectToAll(pid: number, workers: number, { onProgress }: AttachRequest): Promise<Connection> {
  onProgress?.(`waiting for the agent of process ${pid}`);
  const giveUpAt = performance.now() + WORKERS_MS;
  for (;;) {
    const connection = await connectTo(pid, SOCKET_MS);
    if (connection.hello.threads.length > workers || performance.now() > giveUpAt) return connection;
    connection.close();
    await pause(RETRY_MS);
  }
}

async function opened(
  pid: number,
  before: ReadonlySet<string>,
  closer: Closer,
  { force = false, timeoutMs, signal, onProgress = () => {} }: AttachRequest,
): Promise<OpenPort> {
  const prove = (): void => {
    const text = signalObstacle(pid, { force });
    if (text !== null) throw new TargetError(text);
    closer.sending();
  };
  try {
    return await openPort(pid, before, prove, { timeoutMs, signal, onProgress });
  } catch (error) {
    if (!(error instanceof StillBusy)) {
      closer.release();
      throw error;
    }
    closer.leaveIt();
    throw new StillBusy(
      `${error.message} Nothing was loaded. A helper of evdiag stays until the call returns, and closes the inspector then.`,
    );
  }
}

interface Loaded {
  /** When the port was closed, by performance.now(); meaningless where it was not ours to close. */
  closedAt: number;
  /** How many worker threads have the agent. */
  workers: number;
}

async function load(pid: number, port: number, close: boolean, request: AttachRequest): Promise<Loaded> {
  let client: InspectorClient | null = null;
  try {
    client = await openInspector(wayTo(pid), port);
    const file = await prepare(pid, client, request);
    const { env, aloneMs, forMs, record } = request;
    const uploaded = file === builtFile(FILES[0]!) ? null : dirname(file);
    const options: AttachOptions = { env, aloneMs, forMs, record, uploaded };
    const expression = (closes: boolean, late: boolean) => loadExpression(file, options, closes, late);
    const workers = await loadInWorkers(client, (late) => evaluation(expression(false, late)));
    const inspector = client;
    if (!close) {
      await atSafeMoment((late) => evaluate(inspector, expression(false, late)));
      return { closedAt: 0, workers };
    }
    const closing = waitForClose(pid, port, EVALUATE_MS);
    // What closes the inspector does not answer.
    const closed = closing.then(() => null);
    await atSafeMoment((late) => Promise.race([closed, evaluate(inspector, expression(true, late)).catch(() => null)]));
    const closedAt = await closing;
    if (closedAt === null) throw new TargetError(`Process ${pid} does not close its inspector on port ${port}.`);
    return { closedAt, workers };
  } catch (error) {
    if (close) await closePort(pid, port, client);
    if (error instanceof NoInspector) {
      throw new TargetError(`The inspector of process ${pid} does not answer on port ${port}: ${error.message}.`);
    }
    throw error;
  } finally {
    client?.close();
  }
}

/** Where the process finds the agent's file. */
async function prepare(pid: number, client: InspectorClient, { consent }: AttachRequest): Promise<string> {
  const ours = builtFile(FILES[0]!);
  const seen = JSON.parse(String(await evaluate(client, preflightExpression(ours)))) as Preflight;
  const isThere = seen.file === identityOf(ours);
  const forbidden = seen.forbidden.filter((option) => isThere || !option.startsWith('--allow-fs-read'));
  if (forbidden.length > 0) {
    throw new TargetError(
      `Process ${pid} runs under Node's permission model, which forbids what the agent needs. Start it with ${forbidden.join(' ')}.`,
    );
  }
  consent?.(seen.heapBytes);
  if (isThere) return ours;
  const files = Object.fromEntries(FILES.map((name) => [name, readFileSync(builtFile(name), 'utf8')]));
  const name = `agent-${seen.pid}-${packageVersion()}-${Date.now().toString(36)}`;
  const folder = await evaluate(client, uploadExpression(agentFolders(pid), name, files));
  if (typeof folder !== 'string') {
    throw new TargetError(
      `Process ${pid} does not see evdiag's files (a container), and can write nowhere: not to ${agentFolders(pid).join(', ')}. Mount an emptyDir or a tmpfs at /tmp.`,
    );
  }
  return join(folder, basename(ours));
}

function identityOf(file: string): string {
  const { dev, ino } = statSync(file);
  return `${dev}:${ino}`;
}

/** Its value. Throws TargetError with what was thrown there. */
async function evaluate(client: InspectorClient, expression: string): Promise<unknown> {
  const answer = await client.post('Runtime.evaluate', evaluation(expression));
  if (isObject(answer.result) && !answer.exceptionDetails) return answer.result.value;
  const details = isObject(answer.exceptionDetails) ? answer.exceptionDetails : {};
  const thrown = isObject(details.exception) ? String(details.exception.description) : JSON.stringify(answer);
  throw new TargetError(`The agent could not be loaded: ${thrown.split('\n')[0]!.slice(0, 300)}.`);
}
