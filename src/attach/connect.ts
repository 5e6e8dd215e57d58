import { lstatSync, readFileSync, unlinkSync } from 'node:fs';
import { connect as connectSocket, type Socket } from 'node:net';
import { uptime } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isGreeting, isResult } from '../protocol/answers.ts';
import { type Hello, PROTOCOL } from '../protocol/hello.ts';
import type { MethodName } from '../protocol/methods.ts';
import { viewOf } from '../util/process-view.ts';
import { candidateFolders, folderProblem, ownUid, socketPath, uidOf } from '../util/run-folder.ts';
import { removeSnapshots, removeStale } from '../util/stale-files.ts';
import { answerFrom, helloFrom } from './in-container.ts';
import { requireAnswerable, silenceText } from './process/state.ts';
import { TargetError } from './target-error.ts';
import { createWire, strangeAnswer, type Wire } from './wire.ts';

/** A new process gets its socket about 100 ms after its start; on a busy host that takes longer. Linux says how old it is. */
const STARTING_MS = process.platform === 'linux' ? 60 : 600;
const YOUNG_MS = 5000;
const RETRY_MS = 5;
/** The watchdog answers this at once, whatever the main thread does, if it gets a core. */
const HELLO_MS = 15_000;
/** An agent leaves within some 100 ms. */
const LEAVING_MS = 5000;
/** A process with a large heap needs time to die. */
const DYING_MS = 2000;
/** Of a version in a message. */
const MAX_VERSION = 40;
/** Requests that are answered by files. */
const WRITES_FILES: ReadonlySet<MethodName> = new Set(['dump', 'snapshot']);

/** A connection to the agent of one process. */
export interface Connection extends Wire {
  hello: Hello;
}

/** Connects to the agent in the process with that number. Throws TargetError. */
export async function connect(pid: number): Promise<Connection> {
  return connectTo(pid, Math.max(STARTING_MS, YOUNG_MS - ageMs(pid)));
}

/** The same where the agent is loaded otherwise: a young process is waited for only if something says that it brings its own. */
export async function connectIfThere(pid: number): Promise<Connection> {
  return expectsAgent(pid) ? connect(pid) : connectTo(pid, 0);
}

function expectsAgent(pid: number): boolean {
  try {
    return ['cmdline', 'environ'].some((name) => readFileSync(`/proc/${pid}/${name}`, 'latin1').includes('evdiag'));
  } catch {
    return true;
  }
}

/** The same; waits so long for its socket. */
export async function connectTo(pid: number, patienceMs: number): Promise<Connection> {
  const giveUpAt = performance.now() + patienceMs;
  const gone = performance.now() + LEAVING_MS;
  for (;;) {
    await requireProcess(pid);
    requireAnswerable(pid);
    const socket = await openAny(pid);
    if (socket) {
      const connection = await greet(socket, pid).catch(unlessLeaving(pid, performance.now() > gone));
      if (connection) return connection;
    } else if (performance.now() > giveUpAt) throw new TargetError(withoutAgent(pid), 'no-agent');
    await pause(RETRY_MS);
  }
}

/** Null where the agent is about to leave: its socket goes in a moment, unless a thread is blocked. */
function unlessLeaving(pid: number, isLate: boolean): (error: unknown) => null {
  return (error) => {
    if (!(error instanceof TargetError) || error.code !== 'leaving') throw error;
    if (!isLate) return null;
    throw new TargetError(
      `The agent is about to leave process ${pid}, and waits for a thread that is blocked. Try again later.`,
      'leaving',
    );
  };
}

/** Linux reports it, in hundredths of a second since boot; elsewhere a process counts as old. */
function ageMs(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)!.split(' ');
    return uptime() * 1000 - Number(fields[19]) * 10;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function withoutAgent(pid: number): string {
  return `Process ${pid} runs without the agent, or cannot listen. Start it with "node -r evdiag/agent …" or "evdiag run -- …", or load it with "evdiag attach ${pid}".`;
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

/** The first of the places where a process listens; null if there is none. */
async function openAny(pid: number): Promise<Socket | null> {
  const owner = uidOf(pid);
  const { innerPid } = viewOf(pid, owner);
  let refused: string | null = null;
  for (const folder of candidateFolders(pid)) {
    const path = socketPath(folder, innerPid);
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

/** A socket on which no process listens is left over from a killed process: it is removed. */
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

/** Removes what killed processes have left in our own folders. */
export function removeStaleFiles(): Promise<void> {
  return removeStale([...new Set(candidateFolders(process.pid))], connectSocket);
}

/** Files that a process wrote for us and can no longer remove, because it died. */
async function removeWritten({ pid, files }: Hello, socket: Socket): Promise<void> {
  if (!files || !socket.destroyed) return;
  // It may still be exiting.
  for (let waited = 0; waited < DYING_MS && !isDead(pid); waited += RETRY_MS) await pause(RETRY_MS);
  if (isDead(pid)) removeSnapshots(files.folders, files.prefix);
}

/** Of a process that was stopped meanwhile, or has died, it says so. */
function explained(error: unknown, pid: number): unknown {
  const text = error instanceof TargetError && error.code === 'no-answer' ? silenceText(pid) : null;
  return text === null ? error : new TargetError(text, 'no-answer');
}

function isDead(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie: nobody has read its exit code yet.
    return readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function remove(path: string): void {
  try {
    if (!folderProblem(dirname(path), ownUid())) unlinkSync(path);
  } catch {
    // It is gone already.
  }
}

async function greet(socket: Socket, pid: number): Promise<Connection> {
  const wire = createWire(socket, pid);
  try {
    // The version of the protocol is checked first: other versions may have other fields.
    const hello = await wire.request('hello', {}, { timeoutMs: HELLO_MS, isResult: isGreeting });
    const { innerPid, root } = viewOf(pid, uidOf(pid));
    if (hello.pid !== innerPid) throw new TargetError(withoutAgent(pid), 'no-agent');
    if (hello.protocol !== PROTOCOL) {
      const version = `${String(hello.evdiagVersion).slice(0, MAX_VERSION)} (protocol ${hello.protocol})`;
      throw new TargetError(`Process ${pid} runs the agent of evdiag ${version}. Use the same version of evdiag.`);
    }
    if (!isResult('hello', hello)) throw strangeAnswer(pid, 'hello');
    const seen = helloFrom(hello, pid, root);
    const request: Connection['request'] = async (method, params, options = {}) => {
      const { onPart } = options;
      try {
        const moved: typeof options = { ...options };
        if (onPart) moved.onPart = (part) => onPart(answerFrom(part, root));
        return answerFrom(await wire.request(method, params, moved), root);
      } catch (error) {
        if (WRITES_FILES.has(method)) await removeWritten(seen, socket);
        throw explained(error, pid);
      }
    };
    return { hello: seen, ...wire, request };
  } catch (error) {
    wire.close();
    throw explained(error, pid);
  }
}
