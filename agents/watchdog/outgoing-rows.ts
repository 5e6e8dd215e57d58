import type { ConnectionsRow, Frame, LookupsRow, UpstreamsRow } from '../../src/recording/types.ts';
import type { RawFrame } from '../shared-memory.ts';
import type { RawLookup, RawOrigin, RawTracked } from '../tracked.ts';
import { placeOfAll } from './tracked-places.ts';

type WithoutTime<T> = Omit<T, 't'>;

type OutgoingRow = WithoutTime<ConnectionsRow> | WithoutTime<LookupsRow> | WithoutTime<UpstreamsRow>;
interface Outgoing {
  origins?: RawOrigin[];
  lookups?: RawLookup[];
  upstreams?: NonNullable<RawTracked['unfinished']>['upstreams'];
}

/** Connections and look-ups that need not have been, and how long answers took, with places in the original sources. */
export function outgoingRows(
  { origins = [], lookups = [], upstreams }: Outgoing,
  trackedMs: number,
  toFrame: (raw: RawFrame) => Frame,
): OutgoingRow[] {
  const rows: OutgoingRow[] = [];
  if (origins.length > 0) {
    const entries = origins.map(({ id: _id, frames, ...counts }) => {
      const { location, callers, package: maker } = placeOfAll(frames.map(toFrame));
      return { ...counts, location, callers, ...(maker !== undefined && { package: maker }) };
    });
    rows.push({ type: 'connections', trackedMs, entries });
  }
  if (lookups.length > 0) {
    const entries = lookups.map(({ frames, ...counts }) => {
      const { location, callers } = placeOfAll(frames.map(toFrame));
      return { ...counts, location, callers };
    });
    rows.push({ type: 'lookups', trackedMs, entries });
  }
  if (upstreams && upstreams.upstreams.length > 0) {
    const entries = upstreams.upstreams.map(({ frames, ...counts }) => {
      const { location, callers } = placeOfAll(frames.map(toFrame));
      return { ...counts, location, callers };
    });
    rows.push({ type: 'upstreams', trackedMs, seenMs: upstreams.seenMs, entries });
  }
  return rows;
}
