/** Where the kernel keeps the limits of this process: https://man7.org/linux/man-pages/man7/cgroups.7.html. Pure. */

/** Deeper than any container runtime nests them. */
const MAX_LEVELS = 16;

export interface Hierarchy {
  version: 1 | 2;
  /** The process's own cgroup first, then its parents: each may have a limit. */
  folders: string[];
}

/**
 * The cgroups of the process for a controller ("cpu", "memory"); null if there are none.
 *
 * `cgroup` and `mountinfo` are the texts of these files in `/proc/self`. In a container only a part of the tree may be
 * mounted: the rest cannot be read.
 */
export function hierarchyOf(controller: string, cgroup: string, mountinfo: string): Hierarchy | null {
  const lines = cgroup.split('\n').map((line) => /^(\d+):([^:]*):(.*)$/.exec(line) ?? []);
  const v1 = lines.find(([, , controllers]) => controllers?.split(',').includes(controller))?.[3];
  const v2 = lines.find(([, id]) => id === '0')?.[3];
  const path = v1 ?? v2;
  if (path === undefined) return null;
  const version = v1 === undefined ? 2 : 1;
  const mounts = mountinfo.split('\n').flatMap((line) => mountOf(line) ?? []);
  const mount = mounts.find(({ type, options }) =>
    version === 1 ? type === 'cgroup' && options.includes(controller) : type === 'cgroup2',
  );
  return mount ? { version, folders: foldersOf(path, mount) } : null;
}

interface Mount {
  /** Which folder of the hierarchy is mounted, and where. */
  root: string;
  at: string;
  type: string;
  options: string[];
}

/** "36 35 0:31 / /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu" */
function mountOf(line: string): Mount | null {
  const [before, after] = line.split(' - ');
  const [, , , root, at] = before?.split(' ') ?? [];
  const [type, , options] = after?.split(' ') ?? [];
  if (!root || !at || !type) return null;
  return { root: unescaped(root), at: unescaped(at), type, options: options?.split(',') ?? [] };
}

/** Spaces and some other characters are octal there. */
function unescaped(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
}

function foldersOf(path: string, { root, at }: Mount): string[] {
  const below = root === '/' ? path : path === root || path.startsWith(`${root}/`) ? path.slice(root.length) : '';
  // Outside of a cgroup namespace's own root: "/../other".
  const parts = below.includes('/..') ? [] : below.split('/').filter((part) => part !== '');
  const folders = parts.map((_, i) => [at, ...parts.slice(0, parts.length - i)].join('/'));
  return [...folders, at].slice(0, MAX_LEVELS);
}

/** Cores that `cpu.max` of version 2 allows, "max" or microseconds per period; null for no limit. */
export function coresOfMax(text: string | null): number | null {
  const [quota, period] = text?.trim().split(/\s+/) ?? [];
  return positive(Number(quota) / Number(period));
}

/** The same from the two files of version 1, where -1 is no limit. */
export function coresOfQuota(quota: string | null, period: string | null): number | null {
  return quota === null || period === null ? null : positive(Number(quota) / Number(period));
}

/** Version 1 says "no limit" with a number near 2^63. */
export function positive(value: number): number | null {
  return Number.isFinite(value) && value > 0 && value < 2 ** 60 ? value : null;
}

/** Time so far that run queues of a cgroup were held back, from `cpu.stat` of either version; null if it is not there. */
export function throttledMsOf(cpuStat: string): number | null {
  const value = (name: string): number | null => {
    const text = new RegExp(`^${name} (\\d+)$`, 'm').exec(cpuStat)?.[1];
    return text === undefined ? null : Number(text);
  };
  const us = value('throttled_usec');
  if (us !== null) return us / 1000;
  const ns = value('throttled_time');
  return ns === null ? null : ns / 1e6;
}
