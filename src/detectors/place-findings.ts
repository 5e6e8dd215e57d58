/** Findings about a place, and their words. */
import { fileAndLine, lineKey } from '../recording/places.ts';
import type { Location, UnfinishedEntry } from '../recording/types.ts';
import { formatCount, formatShare } from '../util/text.ts';
import { type FindingParts, findingOf } from './finding.ts';
import { estimatedOf } from './growth.ts';
import { SEEN_WHOLE } from './limits.ts';
import { LOST_MS } from './severity.ts';
import type { Detector, Finding } from './types.ts';
import type { Place } from './unfinished.ts';
import { startedBy } from './work.ts';

type About<E extends object> = Omit<FindingParts<E>, 'lostMs' | 'location'> & { place: Place };

/** A finding about what was started at a place: the longer and the more, the worse. */
export function placeFinding<E extends object>(
  rule: Pick<Detector<E>, 'id' | 'kinds' | 'remedy'>,
  { place, ...about }: About<E>,
): Finding<E> {
  const { alive, oldestMs, callers, work } = place.last.entry;
  return findingOf(rule, {
    stack: [place.location, ...callers],
    work: startedBy(work),
    ...about,
    message: `${about.message}${followedText(place)}${seenText(place.last.seenShare, about.count)}`,
    location: place.location,
    lostMs: oldestMs + about.count * LOST_MS.thing + alive,
  });
}

/** The beginning of a sentence: "48", or "About 48" where some were followed and stand for the others. */
export function countText({ last }: Place, count: number): string {
  return estimatedOf(last).estimated ? `About ${count}` : String(count);
}

function followedText({ last }: Place): string {
  const { followed, alive } = last.entry;
  if (followed === undefined || followed >= alive * SEEN_WHOLE) return '';
  return ` Of these, ${followed} ${followed === 1 ? 'was' : 'were'} followed; the rest is an estimate.`;
}

/** Counts are of what was seen. */
function seenText(seenShare: number, count: number): string {
  if (seenShare >= SEEN_WHOLE) return '';
  return ` Only ${formatShare(seenShare)} of what was started was seen: in all it is about ${formatCount(scaled(count, seenShare))}.`;
}

/** With two digits. */
function scaled(count: number, share: number): number {
  return Number((count / share).toPrecision(2));
}

/** What a suspended call awaits, by its text and place. */
export interface AwaitedEvidence {
  awaited?: string;
  /** file:line:column */
  promiseMadeAt?: string;
}

export function awaitedOf({ code, madeBy }: UnfinishedEntry): AwaitedEvidence {
  const made = madeBy?.location ?? null;
  return {
    ...(code !== undefined && { awaited: code }),
    ...(made && { promiseMadeAt: lineKey(made) }),
  };
}

/** "handler (/srv/app.js:12)" */
export function nameAndLine({ function: name, ...place }: Pick<Location, 'function' | 'file' | 'line'>): string {
  return `${name || '(anonymous)'} (${fileAndLine(place)})`;
}

/** One finding for each line and kind, the worst one: several periods and callers have the same line. */
export function onePerLine<E extends object>(findings: readonly Finding<E>[]): Finding<E>[] {
  const byLine = new Map<string, Finding<E>>();
  for (const finding of findings) {
    const key = `${finding.kind} ${finding.location ? lineKey(finding.location) : ''}`;
    const other = byLine.get(key);
    if (!other || finding.score > other.score || (finding.score === other.score && finding.count > other.count)) {
      byLine.set(key, finding);
    }
  }
  return [...byLine.values()];
}

/** A call that awaits a reported one waits for the same thing: the innermost is the place. */
export function innermost<E extends object>(findings: readonly Finding<E>[]): Finding<E>[] {
  const awaits = (outer: Finding, inner: Finding) => outer.location !== null && isCalledFrom(inner, outer.location);
  const isOuter = (one: Finding) =>
    findings.some((other) => other !== one && awaits(one, other) && !awaits(other, one));
  return findings.filter((one) => !isOuter(one));
}

/** Whether a line is among the callers. One has the column of the `await`, the other that of its call, so columns are ignored. */
export function isCalledFrom({ stack }: Finding, { file, line }: Location): boolean {
  return stack.slice(1).some((caller) => caller.file === file && caller.line === line);
}
