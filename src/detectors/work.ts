/** Whose work findings are, and who waited: names and counts, added up. */
import type { StallRow, Work, WorkShare } from '../recording/types.ts';

/** Names that a finding lists; the others are left out. */
const MOST_NAMES = 20;

/** Equal names as one, the most frequent first. */
export function addedUp(shares: readonly WorkShare[]): WorkShare[] {
  const byName = new Map<string, WorkShare>();
  for (const { kind, name, count } of shares) {
    const key = `${kind} ${name}`;
    byName.set(key, { kind, name, count: (byName.get(key)?.count ?? 0) + count });
  }
  return [...byName.values()].sort((a, b) => b.count - a.count).slice(0, MOST_NAMES);
}

/** Of stalls of one cause: each is of one request or job, if it is known, and each kept others waiting. */
export function workOfStalls(stalls: readonly StallRow[]): { work: WorkShare[]; waited: WorkShare[] } {
  return {
    work: addedUp(stalls.flatMap(({ work }) => (work ? [{ ...work, count: 1 }] : []))),
    waited: addedUp(stalls.flatMap(({ waited }) => waited ?? [])),
  };
}

/** Of what was started at one place: how many each has started is not known. */
export function startedBy(work: readonly Work[] | undefined): WorkShare[] {
  return addedUp((work ?? []).map((one) => ({ ...one, count: 1 })));
}
