import { lineKey } from '../recording/places.ts';
/** Findings about a place, and their words. */
import type { Location, UnfinishedEntry } from '../recording/types.ts';
import { round, scoreOf } from './severity.ts';
import type { Detector, Finding, Severity } from './types.ts';
import type { Place } from './unfinished.ts';

/** What a finding about a place needs beside the words of its kind. */
interface About {
  kind: string;
  severity: Severity;
  message: string;
  place: Place;
  count: number;
  confidence: number;
  evidence: Finding['evidence'];
}

/** The longer and the more, the worse. */
export function findingOf(detector: Detector, { place, ...about }: About): Finding {
  const { alive, oldestMs } = place.last.entry;
  return {
    ...about,
    rule: detector.id,
    score: scoreOf(about.severity, oldestMs + about.count * 100 + alive),
    remedy: detector.kinds.find(({ kind }) => kind === about.kind)?.remedy ?? detector.remedy,
    location: place.location,
    stack: stackOf(place),
  };
}

/** The frames of a finding: the place and who called it. */
export function stackOf({ location, last }: Place): Location[] {
  return [location, ...last.entry.callers];
}

/** What was awaited, for the evidence. */
export function awaitedOf({ code, madeBy }: UnfinishedEntry): Finding['evidence'] {
  const made = madeBy?.location ?? null;
  return {
    ...(code !== undefined && { awaited: code }),
    ...(made && { promiseMadeAt: lineKey(made) }),
  };
}

export function nameOf({ function: name }: Location): string {
  return name || 'an anonymous function';
}

/** "8.2 s" */
export function secondsText(ms: number): string {
  return `${round(ms / 1000)} s`;
}

/** One finding for each line and kind, the one that weighs most: periods and callers tell of the same line again. */
export function onePerLine(findings: readonly Finding[]): Finding[] {
  const byLine = new Map<string, Finding>();
  for (const finding of findings) {
    const key = `${finding.kind} ${finding.location ? lineKey(finding.location) : ''}`;
    const other = byLine.get(key);
    if (!other || finding.score > other.score || (finding.score === other.score && finding.count > other.count)) {
      byLine.set(key, finding);
    }
  }
  return [...byLine.values()];
}

/** Who awaits a call that is found itself waits for the same: the innermost is the place. */
export function innermost(findings: readonly Finding[]): Finding[] {
  const awaits = (outer: Finding, inner: Finding) =>
    inner.stack.slice(1).some((caller) => outer.location !== null && lineKey(caller) === lineKey(outer.location));
  const isOuter = (one: Finding) =>
    findings.some((other) => other !== one && awaits(one, other) && !awaits(other, one));
  return findings.filter((one) => !isOuter(one));
}
