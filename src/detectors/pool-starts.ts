/** Stalls that are the start of jobs for the thread pool: each takes some ten µs, so that there are thousands at once. Pure. */

import { functionKey } from '../recording/places.ts';
import type { Frame, Location, StallRow, StallStack } from '../recording/types.ts';
import { groupBy } from '../util/group-by.ts';
import { MOST_SHARE, WARNING_STALL_MS, WARNING_STALLS } from './limits.ts';
import { allStalls, ownMs, type StallView } from './stalls.ts';

/** One more than identifies a call: the start of a job is short, and other work may look like it. */
const MIN_STACKS = 3;

/** What node:zlib does when an asynchronous call makes its stream, and what node:crypto does before it hands a job on. */
const STARTS: readonly { file: RegExp; name: RegExp; job: string }[] = [
  { file: /^node:zlib$/, name: /^(zlibBuffer|asyncBufferWrapper|ZlibBase|Zlib|Brotli|Zstd)/, job: 'compression' },
  {
    file: /^node:internal\/crypto\/(pbkdf2|scrypt|keygen|hkdf|random)$/,
    name: /^(pbkdf2|scrypt|hkdf|generateKeyPair|generateKey|generatePrime|checkPrime)$/,
    job: 'key derivation',
  },
];

/** Jobs that one function starts. */
export interface PoolStarts {
  location: Location;
  job: string;
  stalls: readonly StallRow[];
  /** The code's own time, of the longest and of all. */
  maxMs: number;
  totalMs: number;
  stack: readonly Frame[];
}

/** Functions that block the loop by starting jobs, while something waited. */
export function poolStarts(recording: StallView): PoolStarts[] {
  const { slowMs } = recording.header;
  const harmful = allStalls(recording).filter(
    (stall) => !stall.startup && (stall.waiting ?? 0) > 0 && stall.kind !== 'host' && ownMs(stall) >= slowMs,
  );
  const seen = harmful.flatMap((stall) => {
    const starts = stall.stacks.flatMap((stack) => startOf(stack) ?? []);
    const isMost = weight(starts.map(({ stack }) => stack)) >= weight(stall.stacks) * MOST_SHARE;
    const first = starts[0];
    return first && isMost && count(starts.map(({ stack }) => stack)) >= MIN_STACKS ? [{ stall, ...first }] : [];
  });
  return [...groupBy(seen, ({ location }) => functionKey(location)).values()]
    .map((group) => {
      const times = group.map(({ stall }) => ownMs(stall));
      const { location, job, stack } = group[0]!;
      return {
        ...{ location, job, stack: stack.frames, stalls: group.map(({ stall }) => stall) },
        maxMs: Math.max(...times),
        totalMs: times.reduce((sum, ms) => sum + ms, 0),
      };
    })
    .filter(
      ({ maxMs, stalls }) => maxMs >= WARNING_STALL_MS || stalls.length >= WARNING_STALLS || stalls.some(isOneCall),
    );
}

/** All of it at one go: what requests that arrived together start is made by many calls. */
function isOneCall({ chain }: StallRow): boolean {
  return chain === null;
}

/** The user's line whose call is about to start a job; null if another one runs, or the job itself (`…Sync`). */
function startOf(stack: StallStack): { stack: StallStack; location: Location; job: string } | null {
  const { frames, location } = stack;
  const own = frames.findIndex(({ category }) => category === 'application' || category === 'dependency');
  const above = own < 0 ? [] : frames.slice(0, own);
  if (location === null || above.some(({ function: name }) => /Sync\b/.test(name))) return null;
  const start = STARTS.find(({ file, name }) =>
    above.some((frame) => file.test(frame.file) && name.test(frame.function)),
  );
  return start ? { stack, location, job: start.job } : null;
}

function weight(stacks: readonly StallStack[]): number {
  return stacks.reduce((sum, { weightMs }) => sum + weightMs, 0);
}

function count(stacks: readonly StallStack[]): number {
  return stacks.reduce((sum, { count: times = 1 }) => sum + times, 0);
}
