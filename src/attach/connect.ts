import { lstatSync, readFileSync, unlinkSync } from 'node:fs';
import { connect as connectSocket, type Socket } from 'node:net';
import { uptime } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Hello, PROTOCOL } from '../protocol/hello.ts';
import type { Failure, FailureCode, MethodName, ParamsOf, PartOf, ResultOf } from '../protocol/methods.ts';
import { candidateFolders, folderProblem, ownUid, socketPath, uidOf } from '../util/run-folder.ts';
import { removeSnapshots, removeStale } from '../util/stale-files.ts';
import { TargetError } from './target-error.ts';

/** A process that has just been started gets its socket about 100 ms later; on a busy host that takes longer. */
const STARTING_MS = 600;
const YOUNG_MS = 5000;
const RETRY_MS = 100;
/** The watchdog answers this at once, whatever its process does. */
const HELLO_MS = 5000;
/** What is answered without asking the threads takes no time. */
const ANSWER_MS = 30_000;
/** A process with a large heap takes its time to die. */
const DYING_MS = 2000;
/** Requests whose answers are files. */
const WRITES_FILES: ReadonlySet<MethodName> = new Set(['dump', 'snapshot']);
/** Of one message: what is longer is no answer of ours. */
const MAX_LINE = 64e6;

/** A connection to the agent of one process. */
export interface Connection {
  hello: Hello;
  /** Rejects with TargetError where the connection ends, the time is over or the method fails. */
  request<Name extends MethodName>(
    method: Name,
    params: ParamsOf<Name>,
    options?: RequestOptions<PartOf<Name>>,
  ): Promise<ResultOf<Name>>;
  close(): void;
}

export interface RequestOptions<Part> {
  /** Gets the parts of a long answer. */
  onPart?: (part: Part) => void;
  /** Between two messages (default: 30 s); Infinity where nothing need come. */
  timeoutMs?: number;
}

/** Connects to the agent in the process with that number. Throws TargetError. */
export async function connect(pid: number): Promise<Connection> {
  const giveUpAt = performance.now() + Math.max(STARTING_MS, YOUNG_MS - ageMs(pid));
  for (;;) {
    await requireProcess(pid);
    const socket = await openAny(pid);
    if (socket) return greet(socket, pid);
    if (performance.now() > giveUpAt) throw new TargetError(withoutAgent(pid));
    await pause(RETRY_MS);
  }
}

/** Linux tells, in hundredths of a second since the machine was started; elsewhere a process counts as old. */
function ageMs(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)!.split(' ');
    return uptime() * 1000 - Number(fields[19]) * 10;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function withoutAgent(pid: number): string {
  return `Process ${pid} runs without the agent, or cannot listen. Start it with "node -r evdiag/agent …" or "evdiag run -- …".`;
}

async function requireProcess(pid: number): Promise<void> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPERM') {
      throw new TargetError(`Process ${pid} belongs to another user. Run evdiag as that user.`);
    }
    await removeStaleFiles();
    throw new TargetError(`There is no process ${pid}.`);
  }
}

/** The first of the places where something listens; null where nothing does. */
async function openAny(pid: number): Promise<Socket | null> {
  const owner = uidOf(pid);
  let refused: string | null = null;
  for (const folder of candidateFolders(pid)) {
    const path = socketPath(folder, pid);
    if (!exists(path)) continue;
    const problem = folderProblem(folder, owner);
    if (problem) refused = problem;
    else {
      const socket = await open(path);
      if (socket) return socket;
    }
  }
  if (refused) throw new TargetError(`The socket of process ${pid} cannot be trusted: ${refused}.`);
  return null;
}

function exists(path: string): boolean {
  if (process.platform === 'win32') return true;
  try {
    return lstatSync(path).isSocket();
  } catch {
    return false;
  }
}

/** A socket that nobody listens to is left from a process that was killed: it is removed. */
function open(path: string): Promise<Socket | null> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(path);
    socket.once('connect', () => resolve(socket));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EACCES' || error.code === 'EPERM') {
        reject(new TargetError(`"${path}" belongs to another user. Run evdiag as that user.`));
        return;
      }
      if (error.code === 'ECONNREFUSED') remove(path);
      resolve(null);
    });
  });
}

/** Removes what processes that were killed have left in our own folders. */
export function removeStaleFiles(): Promise<void> {
  return removeStale([...new Set(candidateFolders(process.pid))], connectSocket);
}

/** What a process that died wrote for us, and cannot remove any more. */
async function removeWritten({ pid, files }: Hello, socket: Socket): Promise<void> {
  if (!files || !socket.destroyed) return;
  // It may still be on its way out.
  for (let waited = 0; waited < DYING_MS && !isDead(pid); waited += RETRY_MS) await pause(RETRY_MS);
  if (isDead(pid)) removeSnapshots(files.folders, files.prefix);
}

function isDead(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // Nobody has asked for its exit code yet.
    return readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function remove(path: string): void {
  try {
    if (!folderProblem(dirname(path), ownUid())) unlinkSync(path);
  } catch {
    // It went by itself.
  }
}

async function greet(socket: Socket, pid: number): Promise<Connection> {
  const wire = createWire(socket, pid);
  try {
    const hello = await wire.request('hello', {}, { timeoutMs: HELLO_MS });
    if (hello.pid !== pid) throw new TargetError(withoutAgent(pid));
    if (hello.protocol !== PROTOCOL) {
      const version = `${hello.evdiagVersion} (protocol ${hello.protocol})`;
      throw new TargetError(`Process ${pid} runs the agent of evdiag ${version}. Use the same version of evdiag.`);
    }
    const request: Connection['request'] = async (method, params, options) => {
      try {
        return await wire.request(method, params, options);
      } catch (error) {
        if (WRITES_FILES.has(method)) await removeWritten(hello, socket);
        throw error;
      }
    };
    return { hello, ...wire, request };
  } catch (error) {
    wire.close();
    throw error;
  }
}

interface Waiting {
  /** Of the types that belong to its method. */
  resolve(result: never): void;
  reject(error: Error): void;
  onPart: ((part: never) => void) | undefined;
  timeoutMs: number;
  timer: NodeJS.Timeout | undefined;
}

function createWire(socket: Socket, pid: number): Omit<Connection, 'hello'> {
  const waiting = new Map<number, Waiting>();
  let nextId = 1;
  let rest: string[] = [];
  let restLength = 0;

  const failAll = (message: string): void => {
    for (const [id, { reject, timer }] of waiting) {
      clearTimeout(timer);
      waiting.delete(id);
      reject(new TargetError(message, 'ended'));
    }
  };
  const arm = (id: number, entry: Waiting): void => {
    clearTimeout(entry.timer);
    if (entry.timeoutMs === Number.POSITIVE_INFINITY) return;
    entry.timer = setTimeout(() => {
      waiting.delete(id);
      const text = `Process ${pid} did not answer within ${Math.round(entry.timeoutMs / 1000)} s.`;
      entry.reject(new TargetError(text, 'no-answer'));
    }, entry.timeoutMs);
  };
  const onLine = (line: string): void => {
    const message = JSON.parse(line) as { id: number; part?: never; result?: never; error?: Failure };
    const entry = waiting.get(message.id);
    if (!entry) return;
    if ('part' in message) {
      arm(message.id, entry);
      entry.onPart?.(message.part as never);
      return;
    }
    clearTimeout(entry.timer);
    waiting.delete(message.id);
    if (message.error) entry.reject(new TargetError(sentence(message.error.message), codeOf(message.error)));
    else entry.resolve(message.result as never);
  };

  socket.setEncoding('utf8');
  socket.on('data', (text: unknown) => {
    const lines = String(text).split('\n');
    for (const line of lines.slice(0, -1)) {
      const whole = rest.join('') + line;
      rest = [];
      restLength = 0;
      try {
        onLine(whole);
      } catch {
        socket.destroy();
      }
    }
    const last = lines.at(-1)!;
    rest.push(last);
    restLength += last.length;
    if (restLength > MAX_LINE) socket.destroy();
  });
  socket.on('error', () => {});
  socket.on('close', () => failAll(`Process ${pid} ended, or closed the connection.`));
  return {
    request: (method, params = {}, { onPart, timeoutMs = ANSWER_MS } = {}) =>
      new Promise((resolve, reject) => {
        const id = nextId++;
        const entry: Waiting = { resolve, reject, onPart, timeoutMs, timer: undefined };
        waiting.set(id, entry);
        arm(id, entry);
        if (socket.destroyed) failAll(`Process ${pid} ended, or closed the connection.`);
        else socket.write(`${JSON.stringify({ id, method, params })}\n`);
      }),
    close: () => void socket.destroy(),
  };
}

/** One that we do not know, of a newer agent, decides nothing. */
function codeOf({ code }: Failure): 'refused' | FailureCode {
  return code === 'too-slow' ? code : 'refused';
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
