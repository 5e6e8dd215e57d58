import type { Work } from '../../../src/recording/rows/work.ts';
import { isFiniteNumber, max, NativeMap, NativeSet } from '../../primordials.ts';
import type { RawTracked } from '../../tracked.ts';
import type { WorkItem } from '../work/current.ts';
import { slowMs, usualMs } from './durations.ts';
import type { Site } from './sites.ts';

/** Sites reported at a time. */
const MAX_REPORTED = 150;
/** What a site must have reached to be reported though nothing of it is alive. */
const BUSY_PEAK = 100;

/**
 * Those with most alive, and those that ended badly; the frames of each once. With the others at the same position: what was started
 * and has ended there is the sum of all.
 */
export function reportSites(
  all: Site[],
  now: number,
  nameOf: (item: WorkItem) => Work | null,
): Pick<NonNullable<RawTracked['unfinished']>, 'sites' | 'frames'> {
  const byId = new NativeMap(all.map((site) => [site.id, site]));
  const important = all.filter(isImportant);
  const positions = new NativeSet(important.map(({ position }) => position));
  const chosen = all
    .filter((site) => site.what !== 'promise' && positions.has(site.position))
    .sort((a, b) => importance(b) - importance(a))
    .slice(0, MAX_REPORTED);
  const frames: [number, Site['frames']][] = [];
  const report = (site: Site | undefined): void => {
    if (!site || site.reported) return;
    site.reported = true;
    frames.push([site.id, site.frames]);
  };
  const reported = chosen.map((site) => {
    const callees = site.reported || !site.callee ? {} : { callee: site.callee };
    report(site);
    const maker = site.madeBy === null ? undefined : byId.get(site.madeBy);
    report(maker);
    const {
      frames: _frames,
      oldestStart,
      position,
      reported: _reported,
      changed: _changed,
      madeBy: _madeBy,
      callee: _callee,
      looked,
      pinned,
      work,
      ...counts
    } = site;
    site.peak = site.alive;
    return {
      ...counts,
      ...callees,
      ...namesOf(work, nameOf),
      ...(pinned > 0 && { pinned: (site.alive * pinned) / looked }),
      endedMaxMs: position.durations.maxMs,
      endedLeastMs: position.durations.leastMs,
      usualMs: usualMs(position.durations),
      slowMs: slowMs(position.durations),
      endedSinceOldest: position.endedSinceOldest,
      oldestMs: isFiniteNumber(oldestStart) ? now - oldestStart : 0,
      madeBy: maker ? { id: maker.id, what: maker.what, type: maker.type } : null,
    };
  });
  for (const { position } of all) position.durations.leastMs = null;
  return { sites: reported, frames };
}

function namesOf(items: WorkItem[], nameOf: (item: WorkItem) => Work | null): { work?: Work[] } {
  const work: Work[] = [];
  for (const item of items) {
    const named = nameOf(item);
    if (named && !work.some(({ name }) => name === named.name)) work.push(named);
  }
  return work.length > 0 ? { work } : {};
}

function isImportant({ what, alive, lost, floating, peak }: Site): boolean {
  return what !== 'promise' && (alive > 0 || lost + floating > 0 || peak >= BUSY_PEAK);
}

function importance({ alive, lost, floating, peak }: Site): number {
  return max(alive, lost, floating, peak / BUSY_PEAK);
}
