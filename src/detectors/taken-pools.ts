/** Pools of connections that all are taken, and who waits for one. */
import { fileAndLine, packageNameOf } from '../recording/places.ts';
import { type HttpPool, type Location, rowsOf, type View } from '../recording/types.ts';
import { FROZEN_MS, isFrozen } from './frozen.ts';
import type { Period } from './unfinished.ts';
import { type Chain, type Chains, sumOf } from './wait-chains.ts';

/** Of the connections: the others serve those that wait. */
const UNANSWERED_SHARE = 0.5;
/** The reading of pools that belongs to a row is at most so much older. */
const BESIDE_MS = 3000;
/** Where the client does not say how many wait: one or two may wait for something else. */
const LEAST_CALLS = 3;
/** When the last connection was taken is known within this. */
const TAKEN_MS = 1000;

export interface TakenPool {
  /** "host:port" */
  address: string;
  connections: number;
  /** Requests that have no connection. */
  waiting: number;
}

/** The pool in which requests without an answer are that were made at this place, of so many calls; null if none is known to be taken. */
export function takenPoolOf(
  way: readonly Location[],
  calls: number,
  t: number,
  recording: View<'waits'>,
): TakenPool | null {
  const lines = new Set(way.map(fileAndLine));
  const near = rowsOf(recording, 'waits').filter((row) => Math.abs(row.t - t) <= BESIDE_MS);
  for (const { pools } of near.toReversed()) {
    for (const pool of pools) {
      const held = unansweredIn(pool);
      if (!held.some((one) => linesOf(one).some((line) => lines.has(line)))) continue;
      const waiting = pool.waiting || Math.max(0, calls - pool.held.length);
      if (waiting > 0) return { address: pool.name, connections: pool.taken, waiting };
    }
  }
  return null;
}

/** Those that have had a connection for long; none where they are few of all. */
export function unansweredIn({ taken, max, held }: HttpPool): HttpPool['held'] {
  const long = held.filter(({ state, ms }) => state === 'unanswered' && ms >= FROZEN_MS);
  return taken >= max && long.length >= taken * UNANSWERED_SHARE ? long : [];
}

function linesOf({ location, callers }: HttpPool['held'][number]): string[] {
  return [location, ...callers].flatMap((at) => (at === null ? [] : fileAndLine(at)));
}

export function takenText({ address, connections, waiting }: TakenPool): string {
  const all = connections === 1 ? 'The only connection' : `All ${connections} connections`;
  return (
    ` ${all} to ${address} ${connections === 1 ? 'is' : 'are'} taken by requests that have no answer; ` +
    `${waiting} ${waiting === 1 ? 'request waits' : 'requests wait'} for one.`
  );
}

/** Calls that wait behind those that have a connection, and of which none goes on. */
export interface Behind {
  waiting: number;
  /** Those that wait elsewhere than where the others were made, by the same client. */
  elsewhere: readonly Chain[];
}

/** Where requests of this pool were made; and where its client made others that began to wait when all connections had been taken. */
export function callsBehind({ held, package: client }: HttpPool, period: Period, { leaves, t }: Chains): Behind {
  const lines = new Set(held.flatMap(linesOf));
  const isThere = ({ frames }: Chain): boolean => frames.some((frame) => lines.has(fileAndLine(frame)));
  const there = leaves.filter(isThere);
  const takenMs = Math.min(...held.map(({ ms }) => ms)) + TAKEN_MS;
  const elsewhere = leaves.filter(
    (chain) =>
      client !== undefined &&
      chain.made?.at != null &&
      packageNameOf(chain.made.at.file) === client &&
      !isThere(chain) &&
      chain.oldestMs <= takenMs &&
      isFrozen([chain], period, t),
  );
  const unanswered = held.filter(({ state }) => state === 'unanswered').length;
  const same = there.length > 0 && isFrozen(there, period, t) ? Math.max(0, Math.round(sumOf(there)) - unanswered) : 0;
  const waiting = same + Math.round(sumOf(elsewhere));
  return waiting >= LEAST_CALLS ? { waiting, elsewhere } : { waiting: 0, elsewhere: [] };
}
