import { builtIn } from '../built-in.ts';
import { NativeNumber } from '../primordials.ts';
import type { ThreadLook } from '../thread-gate.ts';

const { readFileSync } = builtIn<{ readFileSync(path: string, encoding: 'latin1'): string }>('fs')!;

/**
 * What Linux says of a thread of this process. A thread that runs has its time in `schedstat` from the last tick of the kernel's clock;
 * whatever is not running or waiting for a core counts as asleep.
 */
export const lookAtThread: ThreadLook = (nativeId) => {
  if (nativeId === 0) return null;
  const stat = read(nativeId, 'stat');
  // There may be no /proc, or it may not be read.
  if (stat === null) return read(null, 'stat') === null ? null : { isGone: true, isAsleep: false, ran: 0 };
  const [time] = (read(nativeId, 'schedstat') ?? '').split(' ');
  if (!time) return null;
  // The name of the thread is in brackets, and may contain some.
  const state = stat[stat.lastIndexOf(')') + 2];
  return { isGone: state === 'X' || state === 'Z', isAsleep: state !== 'R', ran: NativeNumber(time) };
};

function read(nativeId: number | null, file: string): string | null {
  try {
    return readFileSync(nativeId === null ? `/proc/self/${file}` : `/proc/self/task/${nativeId}/${file}`, 'latin1');
  } catch {
    return null;
  }
}
