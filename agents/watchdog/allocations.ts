import type { Frame, Location } from '../../src/recording/types.ts';
import type { RawFrame } from '../shared-memory.ts';

const MAX_PLACES = 12;

interface Node {
  callFrame: { functionName: string; url: string; lineNumber: number; columnNumber: number };
  selfSize: number;
  children: Node[];
}

/** https://chromedevtools.github.io/devtools-protocol/v8/HeapProfiler/#type-SamplingHeapProfile */
export interface AllocationProfile {
  head: Node;
}

/**
 * Bytes by the user's own function that allocated them, itself or through what it called; the heaviest places.
 * V8 tells the function, not the line: the position is the function's start.
 */
export function summarizeAllocations(
  { head }: AllocationProfile,
  toFrame: (raw: RawFrame) => Frame,
): { bytes: number; location: Location }[] {
  const places = new Map<string, { bytes: number; location: Location }>();
  const stack: { node: Node; owner: Location | null }[] = [{ node: head, owner: null }];
  for (let item = stack.pop(); item; item = stack.pop()) {
    const { functionName, url, lineNumber, columnNumber } = item.node.callFrame;
    const frame = toFrame([functionName, url || null, lineNumber + 1, columnNumber + 1]);
    const own = frame.category === 'application' || (frame.category === 'dependency' && !item.owner);
    const { file, line, column } = frame;
    const owner = own ? { file, line, column, function: functionName } : item.owner;
    if (owner && item.node.selfSize > 0) add(places, owner, item.node.selfSize);
    for (const child of item.node.children) stack.push({ node: child, owner });
  }
  return [...places.values()].sort((a, b) => b.bytes - a.bytes).slice(0, MAX_PLACES);
}

function add(places: Map<string, { bytes: number; location: Location }>, location: Location, bytes: number): void {
  const key = `${location.file}:${location.line}:${location.column}`;
  const place = places.get(key);
  if (place) place.bytes += bytes;
  else places.set(key, { bytes, location });
}
