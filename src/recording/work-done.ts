/** How many requests and jobs a thread ended within a time. */
import { WORK_KINDS, type WorkKind } from './rows/work.ts';
import { rowsOf, type View } from './types.ts';

/** Rows come this often while there is work: later ones may not have been written yet. */
const ROW_MS = 6000;

/** By kind, about: of what was followed in windows the rest is estimated. Null where nothing was counted. Times since the recording began. */
export function workDone(recording: View<'work'>, fromMs: number, toMs: number): Record<WorkKind, number> | null {
  const sums = Object.fromEntries(WORK_KINDS.map((kind) => [kind, 0])) as Record<WorkKind, number>;
  let lastMs = fromMs;
  for (const { t, intervalMs, seenShare, entries } of rowsOf(recording, 'work')) {
    const withinMs = Math.min(t, toMs) - Math.max(t - intervalMs, fromMs);
    if (withinMs <= 0 || intervalMs <= 0) continue;
    lastMs = Math.max(lastMs, Math.min(t, toMs));
    const weight = withinMs / intervalMs / (seenShare > 0 ? seenShare : 1);
    for (const { kind, count } of entries) sums[kind] += count * weight;
  }
  if (lastMs === fromMs) return null;
  // The row of the end is not there yet: as before.
  const missing = toMs - lastMs < ROW_MS ? (toMs - fromMs) / (lastMs - fromMs) : 1;
  for (const kind of WORK_KINDS) sums[kind] *= missing;
  return sums;
}
