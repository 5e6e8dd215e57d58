import { readFileSync } from 'node:fs';
import { coresOfMax, coresOfQuota, type Hierarchy, hierarchyOf, positive, throttledMsOf } from './cgroups.ts';
import { openFile, type ThreadFileReader } from './thread-file.ts';

/** Longer than `cpu.stat` is. */
const MAX_BYTES = 1024;

/** CPU and memory limits of the cgroups that the process is in, null if there are none: the narrowest counts. */
export function containerLimits(): { containerCpus: number | null; containerMemoryBytes: number | null } {
  const cpu = ownHierarchy('cpu');
  const memory = ownHierarchy('memory');
  return {
    containerCpus: narrowest(cpu?.folders.map((folder) => coresOf(cpu, folder)) ?? []),
    containerMemoryBytes: narrowest(memory?.folders.map((folder) => bytesOf(memory, folder)) ?? []),
  };
}

/** The kernel's files with the cgroups of a process. */
export interface CgroupFiles {
  cgroup: string;
  mountinfo: string;
}

export const OWN_CGROUPS: CgroupFiles = { cgroup: '/proc/self/cgroup', mountinfo: '/proc/self/mountinfo' };

/** `docker update` and the like change a limit while the program runs, and a process can be moved to another cgroup. */
const LOOK_MS = 2000;

export interface CpuLimit {
  /** Time so far that CPU limits held threads of the process back. */
  throttledMs: number;
  /** The narrowest limit, in cores; null if there is none now. */
  cpus: number | null;
}

interface Level {
  folder: string;
  throttledMs: ThreadFileReader<number>;
  lastMs: number | null;
  cpus: number | null;
}

/**
 * Reads the CPU limits of the process, and how long they held it back; null if the kernel does not report it.
 *
 * Which limits there are is looked up every 2 s (0.1 ms); in between only the counters of those that exist are read. The
 * descriptors stay open: there is one such reader for a process.
 */
export function openCpuLimit(files = OWN_CGROUPS, now = () => performance.now()): ThreadFileReader<CpuLimit> {
  let cgroup: string | null = null;
  let hierarchy: Hierarchy | null = null;
  let levels: Level[] = [];
  let total = 0;
  let lookedAt = Number.NEGATIVE_INFINITY;

  const count = (level: Level): void => {
    const ms = level.throttledMs();
    if (ms !== null && level.lastMs !== null) total += Math.max(0, ms - level.lastMs);
    level.lastMs = ms ?? level.lastMs;
  };
  const look = (): void => {
    lookedAt = now();
    const text = read(files.cgroup);
    if (text !== cgroup) {
      cgroup = text;
      for (const { throttledMs } of levels) throttledMs.close();
      hierarchy = hierarchyOf('cpu', text ?? '', read(files.mountinfo) ?? '');
      levels = (hierarchy?.folders ?? []).map(openLevel);
    }
    for (const level of levels) {
      level.cpus = coresOf(hierarchy!, level.folder);
      count(level);
    }
  };
  const readLimit = (): CpuLimit | null => {
    if (now() - lookedAt >= LOOK_MS) look();
    else for (const level of levels) if (level.cpus !== null) count(level);
    return levels.length === 0 ? null : { throttledMs: total, cpus: narrowest(levels.map(({ cpus }) => cpus)) };
  };
  const close = (): void => {
    for (const { throttledMs } of levels) throttledMs.close();
    levels = [];
  };
  return Object.assign(readLimit, { close });
}

function openLevel(folder: string): Level {
  const throttledMs = openFile(`${folder}/cpu.stat`, throttledMsOf, MAX_BYTES);
  return { folder, throttledMs, lastMs: null, cpus: null };
}

function ownHierarchy(controller: string): Hierarchy | null {
  return hierarchyOf(controller, read('/proc/self/cgroup') ?? '', read('/proc/self/mountinfo') ?? '');
}

function coresOf({ version }: Hierarchy, folder: string): number | null {
  if (version === 2) return coresOfMax(read(`${folder}/cpu.max`));
  return coresOfQuota(read(`${folder}/cpu.cfs_quota_us`), read(`${folder}/cpu.cfs_period_us`));
}

function bytesOf({ version }: Hierarchy, folder: string): number | null {
  const text = read(`${folder}/${version === 2 ? 'memory.max' : 'memory.limit_in_bytes'}`);
  return text === null ? null : positive(Number(text));
}

function narrowest(limits: readonly (number | null)[]): number | null {
  const known = limits.filter((limit) => limit !== null);
  return known.length > 0 ? Math.min(...known) : null;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}
