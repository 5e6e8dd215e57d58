/** Stacks repeat: a recording of 300 000 stalls has a few thousand different frames, and must not keep each of them as often as it was written. */
import type { Row } from './types.ts';

/** Text of the frames that are known; with more of them, they are kept anew. */
const MAX_KNOWN_CHARS = 16e6;

/** Equal frames and places of stalls become the same object. */
export function createFrameShare(): (row: Row) => void {
  const known = new Map<string, object>();
  let chars = 0;
  const shared = <T extends object>(value: T): T => {
    const key = JSON.stringify(value);
    const before = known.get(key) as T | undefined;
    if (before) return before;
    chars += key.length;
    if (chars > MAX_KNOWN_CHARS) {
      known.clear();
      chars = key.length;
    }
    known.set(key, value);
    return value;
  };
  return (row) => {
    if (row.type !== 'stall') return;
    if (row.location) row.location = shared(row.location);
    for (const stack of row.stacks) {
      stack.frames = stack.frames.map(shared);
      if (stack.location) stack.location = shared(stack.location);
    }
  };
}
