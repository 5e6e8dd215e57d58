/** Whether the agent can be loaded into a process that was started without it, told from outside: nothing is sent to it. */

import { readlinkSync } from 'node:fs';
import { clusterWorkers } from './process/cluster.ts';
import { openFiles } from './process/descriptors.ts';
import { hasClient, type Listener, listenersAround, listenersOf } from './process/listeners.ts';
import { nodeOptionsOf } from './process/node-options.ts';
import { type Runtime, type RuntimeKind, runtimeOf } from './process/runtime.ts';
import { signalHandler } from './process/signal-handler.ts';
import { silenceText } from './process/state.ts';

/** Why not, for whoever decides by it or has room for a word only. */
type Obstacle =
  | 'stopped'
  | 'not-node'
  | 'old-node'
  | 'no-access'
  | 'disabled'
  | 'permission-model'
  | 'own-handler'
  | 'no-handler'
  | 'unproven'
  | 'cluster-primary'
  | 'snapshot'
  | 'debugger'
  | 'public-port'
  | 'port-taken'
  | 'no-descriptors';

export interface Attachability {
  runtime: Runtime;
  /** Null: nothing is against it. */
  obstacle: Obstacle | null;
  /** A sentence or two. */
  text: string;
  /** Where the inspector listens already; null where SIGUSR1 opens it. */
  openPort: number | null;
}

const OLDEST_MAJOR = 20;
/** Of Node, by the major version. */
const LAST_WITH_SNAPSHOTS = 20;
/** The inspector needs some ten, the agent some twenty. Where Node has none left for its inspector, it aborts. */
const LEAST_FREE_FILES = 48;
/** Workers in a sentence. */
const MOST_NAMED = 4;
const NAMES: Record<Exclude<RuntimeKind, 'node'>, string> = {
  bun: 'runs on Bun, which has another engine (JavaScriptCore)',
  deno: 'runs on Deno, which does not open its inspector at run time',
  electron: 'runs on Electron: start that with --inspect and use its own tools',
  other: 'is not a Node.js process',
  unknown: 'cannot be looked at: its executable is not readable',
};

/** `force`: whoever asks answers for it that the program does not handle SIGUSR1 itself. Linux only. */
export function attachability(pid: number, { force = false } = {}): Attachability {
  const runtime = runtimeOf(pid);
  const no = (obstacle: Obstacle, text: string): Attachability => ({ runtime, obstacle, text, openPort: null });
  const silence = silenceText(pid);
  if (silence !== null) return no('stopped', silence);
  if (runtime.kind !== 'node') return notNode(pid, runtime, no);
  if (runtime.version && majorOf(runtime) < OLDEST_MAJOR) {
    return no(
      'old-node',
      `Process ${pid} runs Node ${runtime.version.slice(1)}. evdiag needs Node 20.11 or later there.`,
    );
  }
  return lookAtInspector(pid, runtime, force, no);
}

const majorOf = ({ version }: Runtime): number => Number(/\d+/.exec(version ?? '')?.[0] ?? OLDEST_MAJOR);

type No = (obstacle: Obstacle, text: string) => Attachability;

function notNode(pid: number, { kind }: Runtime, no: No): Attachability {
  if (kind === 'unknown') {
    return no('no-access', `Process ${pid} ${NAMES.unknown}. Run evdiag as the user of that process, or as root.`);
  }
  if (kind === 'other' && /\/qemu-[\w-]+$/.test(executableOf(pid))) {
    return no(
      'not-node',
      `Process ${pid} runs under emulation, for another architecture: what Node does there cannot be seen.`,
    );
  }
  return no('not-node', `Process ${pid} ${NAMES[kind as keyof typeof NAMES]}.`);
}

function executableOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return '';
  }
}

function lookAtInspector(pid: number, runtime: Runtime, force: boolean, no: No): Attachability {
  const { options, inspectHost, inspectPort } = nodeOptionsOf(pid);
  const has = (pattern: RegExp): boolean => options.some((option) => pattern.test(option));
  let own: ReturnType<typeof listenersOf>;
  try {
    own = listenersOf(pid);
  } catch {
    return no('no-access', `Process ${pid} does not let itself be looked at. Run evdiag as its user, or as root.`);
  }
  // Node 22 to 26 abort where a worker thread of such a program loads node:net, as the agent's does.
  if (has(/^--snapshot-blob(=|$)/) && majorOf(runtime) > LAST_WITH_SNAPSHOTS) {
    return no(
      'snapshot',
      `Process ${pid} was started from a snapshot (--snapshot-blob), in which Node ${runtime.version?.slice(1)} aborts as soon as the agent starts its thread. Start the program without the snapshot.`,
    );
  }
  const crowded = filesProblem(pid, no);
  if (crowded) return crowded;
  const forbidden = has(/^--(experimental-)?permission$/) && !has(/^--allow-inspector$/);
  if (forbidden) {
    return no(
      'permission-model',
      `Process ${pid} runs under Node's permission model, which forbids the inspector. Start it with --allow-inspector (Node 25 and later), or with the agent.`,
    );
  }
  const wasAsked = has(/^--inspect(-brk|-wait)?(=|$)/);
  const open =
    own.find(({ port, isLoopback }) => port === inspectPort && (isLoopback || wasAsked)) ?? (wasAsked && oldest(own));
  if (open) return openAlready(pid, runtime, open.port, no);
  if (has(/^--disable-sigusr1$/)) {
    return no(
      'disabled',
      `Process ${pid} was started with --disable-sigusr1, which keeps its inspector closed. Start it without, or with the agent.`,
    );
  }
  const problem = signalProblem(pid, runtime, force, no);
  if (problem) return problem;
  if (!isLoopbackName(inspectHost)) {
    return no(
      'public-port',
      `Process ${pid} would open its inspector on ${inspectHost}, where others reach it (--inspect-port). evdiag uses loopback only.`,
    );
  }
  if (inspectPort !== 0 && listenersAround(pid).some(({ port }) => port === inspectPort)) {
    return no(
      'port-taken',
      `Port ${inspectPort}, on which process ${pid} would open its inspector, is taken by another process. Close that one, or wait until it is done.`,
    );
  }
  return { runtime, obstacle: null, text: '', openPort: null };
}

function filesProblem(pid: number, no: No): Attachability | null {
  const files = openFiles(pid);
  if (files === null || files.most - files.open >= LEAST_FREE_FILES) return null;
  return no(
    'no-descriptors',
    `Process ${pid} has ${files.open} files and sockets open and may have ${files.most}: too few are left for the inspector and the agent, which need up to ${LEAST_FREE_FILES}. Nothing was sent. Have it close some, or raise its limit (prlimit --pid ${pid} --nofile=…).`,
  );
}

/** At a port that the system has chosen (--inspect=0): Node opens its inspector before the program runs. */
function oldest(listeners: readonly Listener[]): Listener | null {
  const local = listeners.filter(({ isLoopback }) => isLoopback);
  return local.sort((a, b) => Number(a.inode) - Number(b.inode))[0] ?? null;
}

function openAlready(pid: number, runtime: Runtime, port: number, no: No): Attachability {
  return hasClient(pid, port)
    ? no(
        'debugger',
        `A debugger is connected to process ${pid} (port ${port}). Disconnect it first: the agent keeps away from a process that is debugged.`,
      )
    : { runtime, obstacle: null, text: '', openPort: port };
}

/** Why SIGUSR1 must not be sent to it at this moment: a sentence; null where nothing is against it. */
export function signalObstacle(pid: number, { force = false } = {}): string | null {
  const runtime = runtimeOf(pid);
  const no = (obstacle: Obstacle, text: string): Attachability => ({ runtime, obstacle, text, openPort: null });
  if (runtime.kind !== 'node') return notNode(pid, runtime, no).text;
  return signalProblem(pid, runtime, force, no)?.text ?? null;
}

function signalProblem(pid: number, runtime: Runtime, force: boolean, no: No): Attachability | null {
  return handlerProblem(pid, runtime, force, no) ?? clusterProblem(pid, no);
}

/** Node passes the signal on to all workers, whoever handles it there: one without a handler would end. */
function clusterProblem(pid: number, no: No): Attachability | null {
  const workers = clusterWorkers(pid);
  if (workers.length === 0) return null;
  const named = workers.length > MOST_NAMED ? [...workers.slice(0, MOST_NAMED), '…'] : workers;
  return no(
    'cluster-primary',
    `Process ${pid} is the primary of a cluster, and Node would pass SIGUSR1 on to its workers (${named.join(', ')}). Nothing was sent. Attach to the workers, or start the cluster with the agent.`,
  );
}

function handlerProblem(pid: number, { file }: Runtime, force: boolean, no: No): Attachability | null {
  const handler = signalHandler(pid, file);
  if (handler === 'node' || (handler === 'unknown' && force)) return null;
  switch (handler) {
    case 'program':
      return no(
        'own-handler',
        `The program of process ${pid} handles SIGUSR1 itself, so that Node's inspector cannot be opened by it. Nothing was sent. Start it with the agent.`,
      );
    case 'unknown':
      return no(
        'unproven',
        `It cannot be seen whether the program of process ${pid} handles SIGUSR1 itself (its memory is not readable, or this build of Node has no symbols). Nothing was sent. If it does not, add --sigusr1; or run evdiag as root.`,
      );
    default:
      return no(
        'no-handler',
        `Process ${pid} has no handler for SIGUSR1, which would ${handler === 'ignored' ? 'do nothing there' : 'end it'}: its inspector is switched off, or it has just been started. Nothing was sent.`,
      );
  }
}

function isLoopbackName(host: string): boolean {
  return host === 'localhost' || /^127\./.test(host) || host === '::1' || host === '[::1]';
}
