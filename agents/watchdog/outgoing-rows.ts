import type { ConnectionsRow, Frame, LookupsRow } from '../../src/recording/types.ts';
import type { RawFrame } from '../shared-memory.ts';
import type { RawLookup, RawOrigin } from '../tracked.ts';
import { placeOfAll } from './tracked-places.ts';

type WithoutTime<T> = Omit<T, 't'>;

/** Connections and look-ups that need not have been, with places in the original sources. */
export function outgoingRows(
  { origins = [], lookups = [] }: { origins?: RawOrigin[]; lookups?: RawLookup[] },
  trackedMs: number,
  toFrame: (raw: RawFrame) => Frame,
): (WithoutTime<ConnectionsRow> | WithoutTime<LookupsRow>)[] {
  const rows: (WithoutTime<ConnectionsRow> | WithoutTime<LookupsRow>)[] = [];
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
  return rows;
}
