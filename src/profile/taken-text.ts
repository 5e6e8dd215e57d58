import { formatBytes, formatCount, formatMs } from '../util/text.ts';
import { totalOf } from './call-tree.ts';
import type { Profile, ProfileUnit, Taken, ThreadProfile } from './types.ts';

/** '12 034 samples in 10.0 s, one every 1.0 ms · 12 missed · …': how much the profile is based on. */
export function takenText(profile: Profile): string {
  const { threads, unit } = profile;
  const names = threads.length > 1 ? [`${threads.length} threads`] : [];
  return [...names, ...factsOf(threads[0]!, unit)].join(' · ');
}

function factsOf(thread: ThreadProfile, unit: ProfileUnit): string[] {
  const { taken } = thread;
  if (taken?.safepoints) return [safepointsText(taken, unit)];
  if (!taken || taken.sampleCount === 0) return [`${formatWeight(totalOf(thread), unit)} in all`];
  const { sampleCount, spanUs, interval, missedCount, warmCode, apart } = taken;
  const span = spanUs > 0 ? ` in ${formatMs(spanUs / 1000)}` : '';
  const every = interval === null ? '' : `, one every ${formatWeight(interval, unit)}`;
  return [
    `${formatCount(sampleCount)} samples${span}${every}`,
    ...(missedCount ? [`${formatCount(missedCount)} missed`] : []),
    ...(warmCode === false ? ['functions that were hot before may be missing'] : []),
    ...(apart === false ? ['inlined functions count for their callers'] : []),
  ];
}

/** '142 stacks at safepoints in 30.0 s, one every 100 ms while busy' */
function safepointsText({ sampleCount, spanUs, interval }: Taken, unit: ProfileUnit): string {
  const every = interval === null ? '' : `, one every ${formatWeight(interval, unit)} while busy`;
  return `${formatCount(sampleCount)} stacks at safepoints in ${formatMs(spanUs / 1000)}${every}`;
}

/** A weight in the profile's unit, for people. */
export function formatWeight(weight: number, unit: ProfileUnit): string {
  if (unit === 'us') return formatMs(weight / 1000);
  return unit === 'bytes' ? formatBytes(weight) : formatCount(Math.round(weight));
}
