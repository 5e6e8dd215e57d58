import type { RawFrame } from '../../shared-memory.ts';
import type { Waiting } from './awaiting.ts';
import { isApplications, sortOf } from './promise-sorts.ts';
import type { Site, Sites } from './sites.ts';

/** Calls that wait, and results of reactions that are pending. */
export interface Late {
  waiting: readonly Waiting[];
  reactions: readonly Waiting[];
}

/** What the sample passed over and still waits, with its place; what is Node's own is left out. */
export function lateSites(
  waiting: readonly Waiting[],
  what: 'await' | 'reaction',
  sites: Sites,
): (Waiting & { site: Site })[] {
  return waiting.flatMap((one) => {
    const type = isApplications(what, one.frames) ? typeOf(what, one.frames) : null;
    const site = type === null ? null : sites.here(what, type, '', one.frames);
    return site ? { ...one, site } : [];
  });
}

function typeOf(what: 'await' | 'reaction', frames: RawFrame[]): string | null {
  return what === 'await' ? '' : (sortOf(frames, true)?.type ?? null);
}
