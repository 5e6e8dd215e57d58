/** A process as it sees itself where it lives in a container: its files, its number and its user, for whoever looks from outside (Linux). */
import { readFileSync, readlinkSync } from 'node:fs';

export interface ProcessView {
  /** Where its `/` is for us: '' where it is ours, else `/proc/PID/root`. */
  root: string;
  /** Its number and its user as it knows them. */
  innerPid: number;
  innerUid: number;
}

/** The fields of `/proc/PID/status`, by name; null where there is no such process, or no /proc. */
export function statusOf(pid: number): Record<string, string> | null {
  try {
    const lines = readFileSync(`/proc/${pid}/status`, 'latin1').split('\n');
    return Object.fromEntries(lines.map((line) => [line.split(':', 1)[0]!, line.slice(line.indexOf(':') + 1).trim()]));
  } catch {
    return null;
  }
}

/** `uid` is its user as we know it. */
export function viewOf(pid: number, uid: number): ProcessView {
  const status = statusOf(pid);
  const innerPid = Number(status?.NSpid?.split(/\s+/).at(-1) ?? pid);
  return {
    root: hasOurFiles(pid) ? '' : `/proc/${pid}/root`,
    innerPid: Number.isInteger(innerPid) && innerPid > 0 ? innerPid : pid,
    innerUid: innerUidOf(pid, uid),
  };
}

/** The same mounts and the same `/` (chroot); a process that we may not look at counts as one with our files. */
function hasOurFiles(pid: number): boolean {
  const mine = linkOf('/proc/self/ns/mnt');
  const theirs = linkOf(`/proc/${pid}/ns/mnt`);
  if (mine === null || theirs === null) return true;
  return mine === theirs && linkOf('/proc/self/root') === linkOf(`/proc/${pid}/root`);
}

/** Whether both are in the same namespace of that kind; true where nobody tells. */
export function sharesNamespace(pid: number, kind: 'net' | 'mnt' | 'pid' | 'user'): boolean {
  const theirs = linkOf(`/proc/${pid}/ns/${kind}`);
  return theirs === null || theirs === linkOf(`/proc/self/ns/${kind}`);
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

/** Lines of `uid_map`: the first user inside, the first outside, how many. */
function innerUidOf(pid: number, uid: number): number {
  if (sharesNamespace(pid, 'user')) return uid;
  try {
    for (const line of readFileSync(`/proc/${pid}/uid_map`, 'latin1').trim().split('\n')) {
      const [inside, outside, count] = line.trim().split(/\s+/).map(Number) as [number, number, number];
      if (uid >= outside && uid < outside + count) return inside + uid - outside;
    }
  } catch {
    // Not for us to read.
  }
  return uid;
}
