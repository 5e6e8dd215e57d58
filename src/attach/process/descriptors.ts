import { readdirSync, readFileSync } from 'node:fs';

/** How many files a process has open, and how many it may have; null where that is not known. */
export function openFiles(pid: number): { open: number; most: number } | null {
  try {
    const limits = readFileSync(`/proc/${pid}/limits`, 'latin1');
    const most = Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Number.NaN);
    return Number.isNaN(most) ? null : { open: readdirSync(`/proc/${pid}/fd`).length, most };
  } catch {
    return null;
  }
}
