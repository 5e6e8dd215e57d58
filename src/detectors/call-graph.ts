/** Which function was called where, as far as stacks show it. */
import { fileAndLine, functionKey } from '../recording/places.ts';
import type { Location, UnfinishedEntry } from '../recording/types.ts';
import type { Period } from './unfinished.ts';
import { type Chain, isOwn, isSameFunction, type WaitFrame } from './wait-chains.ts';

/** Calls from a line to what waits, at most. */
const MAX_DEPTH = 5;

export interface CallGraph {
  /**
   * How many calls run of each function on the way from that line to what waits there: called there, over some calls, or written there.
   * Null where no way is known.
   */
  callsFrom(line: WaitFrame, chain: Chain): number[] | null;
}

/** Of the last row until then. */
export function callGraph(period: Period, untilMs: number): CallGraph {
  const row = period.findLast(({ t }) => t <= untilMs + 1) ?? period[0]!;
  const calls = row.entries.filter(({ what, callee }) => what === 'call' && callee !== undefined);
  const ways = (chain: Chain, line: WaitFrame): UnfinishedEntry[] | null => {
    const wanted = fileAndLine(line);
    // In a bundle everything is on one line: that says nothing.
    const starts = chain.frames.filter(
      (frame) => isOwn(frame) && (fileAndLine(frame) !== wanted || isSameFunction(frame, line)),
    );
    let open: { from: Location; way: UnfinishedEntry[] }[] = starts.map((from) => ({ from, way: [] }));
    const seen = new Set<string>();
    for (let depth = 0; depth < MAX_DEPTH && open.length > 0; depth++) {
      const next: typeof open = [];
      for (const { from, way } of open) {
        for (const { place, call } of callersOf(from, calls, row.entries)) {
          if (call === null && fileAndLine(from) === wanted) continue;
          const longer = call ? [...way, call] : way;
          if (fileAndLine(place) === wanted) return longer;
          const key = `${functionKey(place)} ${fileAndLine(place)}`;
          if (seen.has(key)) continue;
          seen.add(key);
          next.push({ from: place, way: longer });
        }
      }
      open = next;
    }
    return null;
  };
  return { callsFrom: (line, chain) => ways(chain, line)?.map(({ alive }) => alive) ?? null };
}

/** Where calls of its function are made, and where that is written if it has no name. */
function callersOf(
  from: Location,
  calls: readonly UnfinishedEntry[],
  entries: readonly UnfinishedEntry[],
): { place: Location; call: UnfinishedEntry | null }[] {
  const own = functionKey(from);
  const made = calls
    .filter(({ callee, location, alive }) => alive > 0 && location !== null && functionKey(callee!) === own)
    .map((call) => ({ place: call.location!, call }));
  return [...made, ...writtenAt(from, entries).map((place) => ({ place, call: null }))];
}

/** A function without a name is written where it is handed on: there, in whatever function is known to be on that line. */
function writtenAt({ function: name, start, file }: Location, entries: readonly UnfinishedEntry[]): Location[] {
  const line = name === '' && start !== undefined ? Number(start.split(':')[0]) : Number.NaN;
  if (!Number.isInteger(line)) return [];
  const there = entries.flatMap(({ location }) =>
    location && location.file === file && location.line === line ? [location] : [],
  );
  return [{ file, line, column: 0, function: '' }, ...there];
}
