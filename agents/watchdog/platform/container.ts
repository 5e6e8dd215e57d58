import { readFileSync } from 'node:fs';
import { coresOfMax, coresOfQuota, type Hierarchy, hierarchyOf, positive, throttledMsOf } from './cgroups.ts';
import { openFile, type ThreadFileReader } from './thread-file.ts';

/** Longer than `cpu.stat` is. */
const MAX_BYTES = 1024;

/** CPU and memory limits of the cgroups that the process is in, null where there are none: the narrowest counts. */
export function containerLimits(): { containerCpus: number | null; containerMemoryBytes: number | null } {
  const cpu = ownHierarchy('cpu');
  const memory = ownHierarchy('memory');
  return {
    containerCpus: narrowest(cpu?.folders.map((folder) => coresOf(cpu, folder)) ?? []),
    containerMemoryBytes: narrowest(memory?.folders.map((folder) => bytesOf(memory, folder)) ?? []),
  };
}

/**
 * Time so far that CPU limits held threads of the process back; null where there is no limit. A limit that is set later
 * is not seen. The descriptors stay open: there is one such reader for a process.
 */
export function openThrottling(): ThreadFileReader<number> {
  const cpu = ownHierarchy('cpu');
  const limited = cpu?.folders.filter((folder) => coresOf(cpu, folder) !== null) ?? [];
  const readers = limited.map((folder) => openFile(`${folder}/cpu.stat`, throttledMsOf, MAX_BYTES));
  const read = (): number | null => {
    const times = readers.map((reader) => reader()).filter((ms) => ms !== null);
    return times.length > 0 ? times.reduce((sum, ms) => sum + ms, 0) : null;
  };
  const close = (): void => {
    for (const reader of readers) reader.close();
  };
  return Object.assign(read, { close });
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
