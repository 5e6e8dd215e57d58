/** Who allocates what stays, from the samples of what is alive: the kind kept-objects of leak-suspect. */

import { fileAndLine } from '../recording/places.ts';
import { type AllocationSite, type AllocationsRow, type Location, rowsOf, type View } from '../recording/types.ts';
import { formatBytes, formatMs } from '../util/text.ts';
import { nameOf } from './code-words.ts';
import { CONFIDENCE } from './confidence.ts';
import type { HeapGrowth } from './early-growth.ts';
import type { FindingParts } from './finding.ts';
import { GOES_ON, goesOn } from './goes-on.ts';
import { HEAP_ROWS, heapGrowthOf } from './heap-growth.ts';
import { percent, round, secondsText } from './severity.ts';
import type { KindText, NoData } from './types.ts';

export const KEPT_ROWS = [...HEAP_ROWS, 'allocations'] as const;
type KeptView = View<(typeof KEPT_ROWS)[number]>;

/** Fewer samples than this may be chance. */
const LEAST_SAMPLES = 8;
/** Share of what was sampled and is alive. */
const ALIVE_SHARE = 0.3;
/** Share of what memory grew by in the same time. */
const GROWTH_SHARE = 0.3;
/** In a leak, half is from the first half of the time; in a cache that replaces its entries, or in work in progress, nothing. On a busy host the first half is the slower one. */
const OLDER_SHARE = 0.2;
/** Listed in the evidence; one or two hold most. */
const MAX_SITES = 5;

export const KEPT_OBJECTS: KindText = {
  kind: 'kept-objects',
  title: 'objects that are never freed, allocated at one place',
  remedy:
    'Bound what holds them (an LRU, a WeakMap keyed by the object they belong to), or let go of them when the work is done; evdiag leaks shows the holder.',
  example:
    'pages.set(url, page);                                              // kept forever\nif (pages.size > 500) pages.delete(pages.keys().next().value);     // the oldest goes',
};

export const KEPT_THRESHOLD = `warning: the heap grows (as for growing-heap), ${LEAST_SAMPLES} samples of one function are alive, at least ${percent(ALIVE_SHARE)} of all that are, and ${percent(OLDER_SHARE)} of them from the first half of the time; info ${GOES_ON}.`;

export interface KeptEvidence {
  aliveBytes: number;
  /** Share of all that is alive, and the share of it that is from the first half of the time. 0..1 */
  aliveShare: number;
  olderShare: number;
  sampledMs: number;
  /** That the heap grows by. */
  perSecondBytes: number;
  /** V8 reports only the function: where the line comes from. */
  lineIs: string;
  code?: string;
  /** Who else allocates what is alive: "8 MiB cache (/srv/app.js:3)". */
  allocations: string[];
  /** The file beside the recording. */
  profile?: string;
}

export function keptWords({ aliveBytes, aliveShare, olderShare, sampledMs, perSecondBytes }: KeptEvidence): string[] {
  return [
    `${formatBytes(aliveBytes)} alive`,
    `${percent(aliveShare)} of what is`,
    `${percent(olderShare)} from the first half of ${formatMs(sampledMs)}`,
    `${formatBytes(perSecondBytes)} more a second`,
  ];
}

/** The function that allocates most of what stays while memory grows. */
export function keptObjects(recording: KeptView): FindingParts<KeptEvidence>[] | NoData {
  const row = rowsOf(recording, 'allocations').at(-1);
  const growth = heapGrowthOf(recording, 'oldBytes') ?? heapGrowthOf(recording, 'externalBytes');
  if (!growth) return [];
  if (!row) return { noData: 'memory grows, but no allocations were sampled' };
  const site = row.sites.find((one) => isLeaking(one, row, growth));
  return site ? [keptBy(recording, row, site, growth)] : [];
}

/** Part of what it allocated in the first half of the time is still alive: entries that are replaced all the time are young. */
export function isLasting({ olderBytes, aliveBytes }: AllocationSite): boolean {
  return olderBytes >= aliveBytes * OLDER_SHARE;
}

function isLeaking(site: AllocationSite, row: AllocationsRow, growth: HeapGrowth): boolean {
  const grewBytes = (growth.bytesPerSecond * (row.t - row.sinceMs)) / 1000;
  const isOfHeap = site.aliveBytes >= grewBytes * GROWTH_SHARE;
  return (
    site.samples >= LEAST_SAMPLES && site.aliveBytes >= row.aliveBytes * ALIVE_SHARE && isLasting(site) && isOfHeap
  );
}

function keptBy(
  recording: KeptView,
  row: AllocationsRow,
  site: AllocationSite,
  growth: HeapGrowth,
): FindingParts<KeptEvidence> {
  const sampledMs = row.t - row.sinceMs;
  return {
    severity: goesOn(recording) ? 'warning' : 'info',
    lostMs: growth.spanMs,
    kind: KEPT_OBJECTS.kind,
    message: `${formatBytes(site.aliveBytes)} of what ${nameOf(site.location)} allocated within ${secondsText(sampledMs)} is still alive, while the heap grows by ${formatBytes(growth.bytesPerSecond)} per second.`,
    location: lineOf(site),
    count: site.samples,
    confidence: site.line ? CONFIDENCE.sampled : CONFIDENCE.indirect,
    evidence: {
      aliveBytes: Math.round(site.aliveBytes),
      aliveShare: round(site.aliveBytes / Math.max(1, row.aliveBytes), 2),
      olderShare: round(site.olderBytes / Math.max(1, site.aliveBytes), 2),
      sampledMs: round(sampledMs),
      perSecondBytes: Math.round(growth.bytesPerSecond),
      lineIs: site.line ? 'the only one in the function that keeps or makes something' : 'where the function begins',
      ...(site.line && { code: site.line.code }),
      allocations: row.sites
        .slice(0, MAX_SITES)
        .map((one) => `${formatBytes(one.aliveBytes)} ${nameOf(one.location)} (${fileAndLine(lineOf(one))})`),
      ...(row.file !== null && { profile: row.file }),
    },
  };
}

/** The line if it is known, or where the function begins. */
export function lineOf({ location, line }: AllocationSite): Location {
  return line ? { ...location, line: line.line, column: line.column } : location;
}
