/** Which suspect of one report is which of another one, although lines have moved, folders differ, or a variable has a new name. */
import { basename, dirname } from 'node:path';
import type { Place, Suspect } from './types.ts';

const APART = Number.POSITIVE_INFINITY;
/** What says nothing about whose objects they are. */
const GENERIC = /^(Object|Array|string|function|Context|Generator|symbol|suspended call|\(unknown\)|)$/;

/** From a suspect before to the same one after; each at most once. */
export function matches(before: readonly Suspect[], after: readonly Suspect[]): Map<Suspect, Suspect> {
  const pairs = new Map<Suspect, Suspect>();
  const taken = new Set<Suspect>();
  // By name first; what is left, by what it holds.
  for (const distance of [byHolder, byContents]) {
    const candidates = before
      .filter((old) => !pairs.has(old))
      .flatMap((old) => after.map((young) => ({ old, young, far: distance(old, young) })))
      .filter(({ far }) => far < APART)
      .sort((a, b) => a.far - b.far);
    for (const { old, young } of candidates) {
      if (pairs.has(old) || taken.has(young)) continue;
      pairs.set(old, young);
      taken.add(young);
    }
  }
  return pairs;
}

function byHolder(a: Suspect, b: Suspect): number {
  if (a.kind !== b.kind || a.holder !== b.holder || a.rule !== b.rule) return APART;
  return placesApart(a.place, b.place) + (a.className === b.className ? 0 : 0.5);
}

/** A program's own class in the same file, with a holder that is called something else now. */
function byContents(a: Suspect, b: Suspect): number {
  if (a.className !== b.className || GENERIC.test(a.className) || a.rule !== b.rule) return APART;
  if (a.place === null || b.place === null) return APART;
  return filesApart(a.place.file, b.place.file);
}

/** 0 for one line of one file; lines move, so they only decide between several. */
function placesApart(a: Place | null, b: Place | null): number {
  if (a === null || b === null) return a === b ? 0 : APART;
  if (a.function !== b.function) return APART;
  const lines = Math.abs(a.line - b.line);
  return filesApart(a.file, b.file) + lines / (lines + 1);
}

/** The same file may be in another folder: a checkout, a container. */
function filesApart(a: string, b: string): number {
  if (a === b) return 0;
  if (basename(a) !== basename(b)) return APART;
  return basename(dirname(a)) === basename(dirname(b)) ? 2 : 4;
}
