import { readdirSync, readFileSync } from 'node:fs';

/**
 * CPU time so far of a process and of its main thread, in µs, read from outside. Linux only: `schedstat` counts
 * nanoseconds, and is exact for a thread that sleeps; process.cpuUsage() would cost the server a message.
 *
 * @param {number} pid
 * @returns {{ allUs: number, mainUs: number }}
 */
export function processCpu(pid) {
  let allUs = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) allUs += threadUs(pid, thread);
  return { allUs, mainUs: threadUs(pid, String(pid)) };
}

/**
 * @param {number} pid
 * @param {string} thread
 */
function threadUs(pid, thread) {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ', 1)[0]) / 1000;
  } catch {
    return 0; // A thread that has just ended.
  }
}
