/** Groups of processes that get a part of a core, as a container with a CPU limit does. Needs root. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const V1 = '/sys/fs/cgroup/cpu';
const V2 = '/sys/fs/cgroup';
const PERIOD_US = 100_000;

let made = 0;

/** Makes a group; `under` starts a program in it. */
export function cpuLimit(cores: number): { under: readonly string[]; remove(): void } {
  const isV1 = existsSync(join(V1, 'cpu.cfs_quota_us'));
  const folder = join(isV1 ? V1 : V2, `evdiag-test-${process.pid}-${made++}`);
  mkdirSync(folder);
  const quotaUs = Math.round(cores * PERIOD_US);
  try {
    if (isV1) {
      writeFileSync(join(folder, 'cpu.cfs_period_us'), `${PERIOD_US}`);
      writeFileSync(join(folder, 'cpu.cfs_quota_us'), `${quotaUs}`);
    } else {
      const controllers = join(V2, 'cgroup.subtree_control');
      if (!readFileSync(controllers, 'utf8').split(/\s+/).includes('cpu')) writeFileSync(controllers, '+cpu');
      writeFileSync(join(folder, 'cpu.max'), `${quotaUs} ${PERIOD_US}`);
    }
  } catch (error) {
    rmdirSync(folder);
    throw error;
  }
  const under = ['/bin/sh', '-c', `echo $$ > '${join(folder, 'cgroup.procs')}' && exec "$@"`, 'sh'];
  return { under, remove: () => removeWhenEmpty(folder) };
}

/** The kernel counts who has just ended for a moment longer. */
function removeWhenEmpty(folder: string, triesLeft = 100): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (triesLeft > 0 && existsSync(folder)) setTimeout(() => removeWhenEmpty(folder, triesLeft - 1), 50);
    else if (existsSync(folder)) throw error;
  }
}

/** Why there can be none here, or null. */
export function whyNoCpuLimit(): string | null {
  try {
    cpuLimit(1).remove();
    return null;
  } catch (error) {
    return `cgroups with a CPU limit cannot be made here: ${(error as Error).message}`;
  }
}
