/** Programs that compute for long before their loop first turns, and serve others then. */
import { rowsOf, type StallKind, type StallRow, type View } from '../recording/types.ts';
import { MOST_SHARE, STUCK_MS } from './limits.ts';
import { ownMs } from './stalls.ts';

/** What a start consists of, or what is not the program's own doing. */
const OTHERS: ReadonlySet<StallKind> = new Set(['module-load', 'gc', 'host']);
/** Node's names of what accepts requests. */
const SERVERS = ['TCPServerWrap', 'PipeServerWrap', 'UDPWrap'];

/** Longer than people wait, and nobody is served meanwhile: a start that the program's own code delays. */
export function delaysService(stall: StallRow, recording: View<'active-resources'>): boolean {
  const { startup, kind, waiting } = stall;
  if (!startup || OTHERS.has(kind) || ownMs(stall) < STUCK_MS || !isOwn(stall)) return false;
  return (waiting ?? 0) > 0 || serves(recording);
}

/** A package that computes while it is loaded is a part of loading. */
function isOwn({ stacks }: StallRow): boolean {
  let [ownWeight, allWeight] = [0, 0];
  for (const { frames, weightMs } of stacks) {
    const first = frames.find(({ category }) => category === 'application' || category === 'dependency');
    allWeight += weightMs;
    if (first?.category === 'application') ownWeight += weightMs;
  }
  return ownWeight > allWeight * MOST_SHARE;
}

function serves(recording: View<'active-resources'>): boolean {
  return rowsOf(recording, 'active-resources').some(({ counts }) => SERVERS.some((name) => (counts[name] ?? 0) > 0));
}
