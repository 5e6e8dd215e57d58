import { readFileSync } from 'node:fs';

/** CPU and memory limits of the cgroup (v2, or v1), null where there are none. */
export function containerLimits(): { containerCpus: number | null; containerMemoryBytes: number | null } {
  const [quota, period] = read('/sys/fs/cgroup/cpu.max')?.split(' ') ?? [
    read('/sys/fs/cgroup/cpu/cpu.cfs_quota_us'),
    read('/sys/fs/cgroup/cpu/cpu.cfs_period_us'),
  ];
  const memory = read('/sys/fs/cgroup/memory.max') ?? read('/sys/fs/cgroup/memory/memory.limit_in_bytes');
  return { containerCpus: positive(Number(quota) / Number(period)), containerMemoryBytes: positive(Number(memory)) };
}

/** v1 says "no limit" with a number near 2^63. */
function positive(value: number): number | null {
  return Number.isFinite(value) && value > 0 && value < 2 ** 60 ? value : null;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return null;
  }
}
