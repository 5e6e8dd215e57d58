/** The Node processes of this user (of all, as root), found by what runs and not by its name (Linux). */
import { readdirSync, readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { sharesNamespace, statusOf } from '../../util/process-view.ts';
import { redactArguments } from '../../util/redact.ts';
import { ownUid, uidOf } from '../../util/run-folder.ts';
import { userName } from '../../util/user-name.ts';
import { type Attachability, attachability } from '../attachable.ts';
import { connectTo } from '../connect.ts';
import { TargetError } from '../target-error.ts';
import { argvOf } from './node-options.ts';
import { runtimeOf } from './runtime.ts';
import { silenceText, startTicks, statFields } from './state.ts';

/** Hundredths of a second, as the kernel counts. */
const TICK_MS = 10;
const PAGE_BYTES = 4096;
/** Between two looks at the CPU time. */
export const CPU_LOOK_MS = 200;
/** Asked at a time. */
const MAX_PROCESSES = 2000;

export interface NodeProcess {
  pid: number;
  user: string;
  /** The beginning of its container's id; null outside of one. */
  container: string | null;
  ageMs: number;
  /** Such as "20.11.0"; null where the executable does not tell. */
  nodeVersion: string | null;
  /** Of one core, over the last moment; null where it was not seen twice. */
  cpuShare: number | null;
  rssBytes: number;
  threads: number;
  /** `agent`: it runs with it; `attachable`: it can be loaded; else the obstacle. */
  state: 'agent' | 'attachable' | NonNullable<Attachability['obstacle']>;
  /** Why not, in a sentence; '' where nothing is against it. */
  why: string;
  /** Redacted. */
  argv: string[];
}

/** Numbers of the processes that run Node. */
export function nodePids(): number[] {
  const isRoot = ownUid() === 0;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && (isRoot || uidOf(pid) === ownUid()) && runtimeOf(pid).kind === 'node')
    .sort((a, b) => a - b)
    .slice(0, MAX_PROCESSES);
}

/** CPU time so far of each process, in ms, with the moment of the look. */
export function cpuTimes(pids: readonly number[]): Map<number, { atMs: number; cpuMs: number }> {
  const times = new Map<number, { atMs: number; cpuMs: number }>();
  for (const pid of pids) {
    try {
      const fields = statFields(pid);
      times.set(pid, { atMs: performance.now(), cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS });
    } catch {
      // It has ended.
    }
  }
  return times;
}

/** What there is to tell of them; those that have ended meanwhile are left out. `before`: an earlier look at their CPU time. */
export async function describeProcesses(
  pids: readonly number[],
  before: ReturnType<typeof cpuTimes>,
): Promise<NodeProcess[]> {
  const now = cpuTimes(pids);
  const all = await Promise.all(pids.map((pid) => describe(pid, before.get(pid), now.get(pid))));
  return all.filter((one) => one !== null);
}

type CpuTime = { atMs: number; cpuMs: number } | undefined;

async function describe(pid: number, before: CpuTime, now: CpuTime): Promise<NodeProcess | null> {
  const status = statusOf(pid);
  const started = startTicks(pid);
  if (!status || started === null) return null;
  const runtime = runtimeOf(pid);
  const hasAgent = silenceText(pid) === null && (await runsWithAgent(pid));
  const { obstacle, text } = hasAgent ? { obstacle: null, text: '' } : attachability(pid);
  // It has ended meanwhile.
  if (obstacle === 'not-node') return null;
  const spanMs = before && now ? now.atMs - before.atMs : 0;
  return {
    pid,
    user: userName(uidOf(pid)),
    container: containerOf(pid),
    ageMs: Math.max(0, uptime() * 1000 - started * TICK_MS),
    nodeVersion: runtime.version?.slice(1) ?? null,
    cpuShare: spanMs > 0 ? (now!.cpuMs - before!.cpuMs) / spanMs : null,
    rssBytes: Number(statFieldsOf(pid)[21] ?? 0) * PAGE_BYTES,
    threads: Number(status.Threads ?? 0),
    state: hasAgent ? 'agent' : (obstacle ?? 'attachable'),
    why: text,
    argv: redactArguments(argvOf(pid)),
  };
}

function statFieldsOf(pid: number): string[] {
  try {
    return statFields(pid);
  } catch {
    return [];
  }
}

async function runsWithAgent(pid: number): Promise<boolean> {
  try {
    (await connectTo(pid, 0)).close();
    return true;
  } catch (error) {
    if (error instanceof TargetError) return false;
    throw error;
  }
}

/** Docker, containerd, Podman and Kubernetes name the cgroup by the id; a process in other mounts without one is in some container. */
function containerOf(pid: number): string | null {
  try {
    const id = /[0-9a-f]{64}/.exec(readFileSync(`/proc/${pid}/cgroup`, 'latin1'))?.[0];
    if (id && !sharesNamespace(pid, 'mnt')) return id.slice(0, 12);
  } catch {
    // Not for us to read.
  }
  return sharesNamespace(pid, 'mnt') && sharesNamespace(pid, 'pid') ? null : 'yes';
}
