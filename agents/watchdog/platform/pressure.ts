import { existsSync, readFileSync } from 'node:fs';
import { hierarchyOf } from './cgroups.ts';
import { type CgroupFiles, OWN_CGROUPS } from './container.ts';
import { openFile, type ThreadFileReader } from './thread-file.ts';

/** Two lines with four numbers each. */
const MAX_BYTES = 256;
const MACHINE = '/proc/pressure';

/** Time so far, in ms, that at least one task waited for it; null if the kernel does not count that. */
export interface Pressure {
  /** Whose tasks: those of the process's own cgroup, or all. */
  of: 'container' | 'machine';
  cpuMs: number | null;
  ioMs: number | null;
  memoryMs: number | null;
}

/**
 * Linux' pressure stall information, of the cgroup (version 2) if it has its own, otherwise of the machine.
 * https://docs.kernel.org/accounting/psi.html
 *
 * Reading it takes some 30 µs: only for long stalls. A thread that waits for a disk is counted under `io`, and under
 * `memory` if the page was evicted for lack of memory; one that waits for a lock of the kernel under neither.
 */
export function openPressure(files: CgroupFiles = OWN_CGROUPS, machine = MACHINE): ThreadFileReader<Pressure> {
  const folder = ownFolder(files);
  const nameIn = (what: string): string => (folder === null ? `${machine}/${what}` : `${folder}/${what}.pressure`);
  const [cpu, io, memory] = ['cpu', 'io', 'memory'].map((what) => openFile(nameIn(what), someMsOf, MAX_BYTES)) as [
    ThreadFileReader<number>,
    ThreadFileReader<number>,
    ThreadFileReader<number>,
  ];
  const of = folder === null ? 'machine' : 'container';
  const read = (): Pressure | null => {
    const [cpuMs, ioMs, memoryMs] = [cpu(), io(), memory()];
    return cpuMs === null && ioMs === null && memoryMs === null ? null : { of, cpuMs, ioMs, memoryMs };
  };
  const close = (): void => {
    for (const reader of [cpu, io, memory]) reader.close();
  };
  return Object.assign(read, { close });
}

/** null if it has none of its own: the root of all cgroups, which has no such file of events, counts as the machine. */
function ownFolder({ cgroup, mountinfo }: CgroupFiles): string | null {
  try {
    // No controller has this name: what is left is the hierarchy of version 2, which may exist beside those of version 1.
    const folder = hierarchyOf('pressure', readFileSync(cgroup, 'utf8'), readFileSync(mountinfo, 'utf8'))?.folders[0];
    if (folder === undefined || !existsSync(`${folder}/cgroup.events`)) return null;
    return someMsOf(readFileSync(`${folder}/cpu.pressure`, 'latin1')) === null ? null : folder;
  } catch {
    return null;
  }
}

/** "some avg10=0.00 avg60=0.00 avg300=0.00 total=36182099", in microseconds. */
function someMsOf(text: string): number | null {
  const us = /^some .*total=(\d+)/m.exec(text)?.[1];
  return us === undefined ? null : Number(us) / 1000;
}
