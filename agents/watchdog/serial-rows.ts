import { independentAwaits } from '../../src/async-dump/independence.ts';
import { toLocation } from '../../src/recording/places.ts';
import type { Frame, Independent, SerialEntry, SerialRow } from '../../src/recording/types.ts';
import type { RawFrame } from '../shared-memory.ts';
import type { RawSerial } from '../tracked.ts';
import { atAwait, awaitedTexts, linesOf } from './source-text.ts';

const MAX_CALLERS = 4;
/** Functions whose text was read. */
const MAX_KNOWN = 500;

/** What a call awaits that takes less is not worth to be read. */
const LEAST_MS = 20;

/** Makes rows of functions of the application that wait for one thing after another. */
export function createSerialRows(toFrame: (raw: RawFrame) => Frame) {
  const known = new Map<string, Independent[]>();

  const independentOf = (id: number, steps: SerialEntry['steps']): Independent[] => {
    const key = `${id} ${steps.length}`;
    const seen = known.get(key);
    if (seen) return seen;
    const lines = linesOf(steps[0]!.location.file);
    const found =
      lines === null
        ? []
        : independentAwaits(
            lines,
            steps.map(({ location }) => location),
          );
    if (known.size < MAX_KNOWN) known.set(key, found);
    return found;
  };

  return (serial: readonly RawSerial[], trackedMs: number): Omit<SerialRow, 't'> | null => {
    const entries = serial.flatMap((raw) => entryOf(raw, toFrame, independentOf) ?? []);
    return entries.length > 0 ? { type: 'serial', trackedMs, entries } : null;
  };
}

function entryOf(
  { id, runs, atOnce, frames, steps }: RawSerial,
  toFrame: (raw: RawFrame) => Frame,
  independentOf: (id: number, steps: SerialEntry['steps']) => Independent[],
): SerialEntry | null {
  const [own, ...callers] = frames.map(toFrame);
  if (own?.category !== 'application') return null;
  const placed = steps.map(({ frame, ...counts }) => {
    const location = atAwait(toLocation(toFrame(frame)));
    return { location, code: awaitedTexts(location)?.code ?? '', ...counts };
  });
  const inOneFile = merged(placed).filter(({ location }) => location.file === own.file);
  if (!inOneFile.some(({ longest }) => longest.waitedMs >= LEAST_MS)) return null;
  return {
    location: toLocation(own),
    callers: callers
      .filter(({ category }) => category === 'application')
      .slice(0, MAX_CALLERS)
      .map(toLocation),
    runs,
    atOnce,
    steps: inOneFile,
    independent: independentOf(id, inOneFile),
  };
}

/** Of one await, seen by a stack and as V8 has it while it waits: its longest call is the longer one of both. */
function merged(steps: readonly SerialEntry['steps'][number][]): SerialEntry['steps'] {
  const byPlace = new Map<string, SerialEntry['steps'][number]>();
  for (const step of steps) {
    const key = `${step.location.file}:${step.location.line}:${step.location.column}`;
    const other = byPlace.get(key);
    if (!other) {
      byPlace.set(key, step);
      continue;
    }
    const longest = step.longest.waitedMs > other.longest.waitedMs ? step.longest : other.longest;
    const [count, waitedMs] = [step.count + other.count, step.waitedMs + other.waitedMs];
    byPlace.set(key, { ...other, count, waitedMs, pauses: Math.max(step.pauses, other.pauses), longest });
  }
  return [...byPlace.values()];
}
