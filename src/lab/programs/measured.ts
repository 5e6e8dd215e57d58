import { setTimeout as sleep } from 'node:timers/promises';
import type { Figures } from '../types.ts';

/** How often the loop is asked whether it still turns. */
const BEAT_MS = 5;

/** The time that something takes, the CPU time of the process for it, and how far the peak of its memory rose. */
export async function measured(run: () => Promise<Figures>): Promise<Figures> {
  const peakBefore = peakBytes();
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  const figures = await run();
  const wallMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { wallMs, cpuMs: (user + system) / 1000, memoryBytes: Math.max(0, peakBytes() - peakBefore), ...figures };
}

/** The same, and the longest time for which the loop did not turn. */
export async function watched(run: () => Promise<Figures>): Promise<Figures> {
  let last = performance.now();
  let blockedMs = 0;
  const beat = (): void => {
    const now = performance.now();
    blockedMs = Math.max(blockedMs, now - last - BEAT_MS);
    last = now;
  };
  const timer = setInterval(beat, BEAT_MS);
  const figures = await measured(run);
  // What blocked until the end is noticed by the beat after it.
  await sleep(2 * BEAT_MS);
  clearInterval(timer);
  return { ...figures, blockedMs };
}

function peakBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}
