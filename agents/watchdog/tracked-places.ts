import { packageNameOf, toLocation } from '../../src/recording/places.ts';
import type { Frame, Location } from '../../src/recording/types.ts';
import { placeOf } from './stall/classify.ts';
import { viaOf } from './waiting-rows.ts';

const MAX_CALLERS = 4;

/** What a stack says about what was made there. */
export interface Place {
  location: Location | null;
  callers: Location[];
  via: string[];
  resumed: boolean | null;
  package?: string;
  callee?: Location;
}

export const NOWHERE: Place = { location: null, callers: [], via: [], resumed: false };

export function placeOfAll(frames: readonly Frame[]): Place {
  const own = frames.filter(({ category }) => category === 'application');
  const first = frames.findIndex(({ category }) => category === 'application' || category === 'dependency');
  const above = first < 0 ? frames : frames.slice(0, first);
  const maker = frames[first]?.category === 'dependency' ? packageNameOf(frames[first].file) : null;
  return {
    ...(maker === null ? {} : { package: maker }),
    location: placeOf(frames),
    callers: own.slice(1, 1 + MAX_CALLERS).map(toLocation),
    via: viaOf(above),
    // Node's frames below are not kept: nothing identifies a function that Node calls.
    resumed: own[0]?.awaits ? null : own.length > 1 && own.slice(1).every(({ awaits }) => awaits),
  };
}
