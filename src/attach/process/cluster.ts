/** The workers of a cluster (Linux). */
import { readFileSync } from 'node:fs';

/** Node puts it into the environment of those that `cluster.fork` starts; they take it out of `process.env`, so theirs have none. */
const MARK = /(^|\0)NODE_UNIQUE_ID=/;

/** Numbers of the workers that the main thread of this process has forked; none where the kernel does not tell. */
export function clusterWorkers(pid: number): number[] {
  return childrenOf(pid).filter((child) => MARK.test(textOf(`/proc/${child}/environ`)));
}

function childrenOf(pid: number): number[] {
  return textOf(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
}

/** Empty where it has ended, or is not ours to read. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch {
    return '';
  }
}
