import { basename } from 'node:path';
import { toLocation } from '../../src/recording/places.ts';
import type { Frame, TransferPlace, TransfersRow } from '../../src/recording/types.ts';
import type { RawFrame } from '../shared-memory.ts';
import type { RawTransfers } from '../tracked.ts';
import { placeOf } from './stall/classify.ts';

const MAX_CALLERS = 4;

/** Makes rows from what a thread reads, writes and sends: places in the original sources. */
export function createTransfers(
  toFrame: (raw: RawFrame) => Frame,
): (transfers: RawTransfers) => Omit<TransfersRow, 't'> {
  const placed = <Use extends { frames: RawFrame[] }>(use: Use): Omit<Use, 'frames'> & TransferPlace => {
    const { frames, ...rest } = use;
    const all = frames.map(toFrame);
    const own = all.filter(({ category }) => category === 'application');
    return { ...rest, location: placeOf(all), callers: own.slice(1, 1 + MAX_CALLERS).map(toLocation) };
  };
  return ({ files, streams, messages, ...figures }) => ({
    type: 'transfers',
    ...figures,
    // The folder may say more than a recording should.
    files: files.map((use) => ({ ...placed(use), file: use.file === null ? null : basename(use.file) })),
    streams: streams.map(placed),
    messages: messages.map(placed),
  });
}
