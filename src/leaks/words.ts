import { lineText } from '../util/place-text.ts';
import { formatBytes, formatCount, formatMs, sparkline, stripControl } from '../util/text.ts';
import type { LeakReport, PathStep, Place, Suspect, WorkDone } from './types.ts';

const TREND_COLUMNS = 24;

/** `500 Record`, `1 string`. */
function things(count: number, className: string): string {
  return `${formatCount(count)} ${className}`;
}

/** `500 new Record objects were never freed`. */
const freed = (count: number, className: string): string =>
  `${formatCount(count)} new ${className} ${count === 1 ? 'object was' : 'objects were'} never freed`;

export function growthMessage(
  { kind, growth, className, count, holder, bytes }: Suspect,
  callName: string | null,
): string {
  const { counts, newBytes } = growth!;
  const times = counts.length > 1 ? ` (${counts.map((each) => `+${formatCount(each)}`).join(', ')})` : '';
  const came = formatBytes(newBytes.reduce((total, each) => total + each, 0));
  const all = kind === 'module-cache' ? '' : ` of the ${formatBytes(bytes)} that it holds`;
  const calls =
    callName === null || holder.includes(callName) ? '' : ` Each keeps a suspended async call of "${callName}".`;
  return `${freed(count, className)}${times}: ${came}${all}.${calls}`;
}

export function singleMessage({ kind, count, className, bytes }: Suspect): string {
  if (kind === 'strings') return `${formatCount(count)} copies of one text waste ${formatBytes(bytes)}.`;
  return `${things(count, className)} hold ${formatBytes(bytes)}.`;
}

export function perMinute({ growth }: Suspect): string | null {
  if (!growth || growth.bytesPerMinute === null) return null;
  const things = growth.countPerMinute === null ? '' : ` and ${formatCount(growth.countPerMinute)} objects`;
  return `grows by ${formatBytes(growth.bytesPerMinute)}${things} per minute`;
}

/** "src/app.js:12 (handler)"; empty if the line is not known. */
export function namedPlace(place: Place | null): string {
  if (!place || place.line === 0) return '';
  const name = place.function === '' ? '' : ` (${stripControl(place.function)})`;
  return `${lineText({ file: place.file, line: place.line })}${name}`;
}

/** `.next Node (601 in a row)`. */
export function stepText({ via, name, repeats }: PathStep): string {
  const row = repeats > 1 ? ` (${formatCount(repeats)} in a row)` : '';
  return stripControl(`${via === '' ? '' : `${via}: `}${name}${row}`);
}

export function headline({ suspects, snapshots, spanMs, input }: LeakReport): string {
  const [first] = suspects;
  const isCompared = input === 'recording' || (snapshots.length > 1 && spanMs !== null);
  if (!first) return isCompared ? 'Nothing grew like a leak.' : 'Nothing stands out.';
  const one = suspects.length === 1;
  if (first.growth === null) return `${suspects.length} ${one ? 'thing stands' : 'things stand'} out.`;
  return `${suspects.length} ${one ? 'thing grows' : 'things grow'}.`;
}

export function snapshotText({ snapshots, spanMs, input, work, thread, heap = [] }: LeakReport): string {
  if (input === 'recording') return recordingText(spanMs ?? 0, heap);
  const heaps = snapshots.map(({ heapBytes }) => formatBytes(heapBytes)).join(' → ');
  const objects = formatCount(snapshots.at(-1)?.nodeCount ?? 0);
  const span = spanMs === null ? '' : `, ${Math.round(spanMs / 1000)} s apart`;
  const done = work ? `, about ${formatCount(work.count)} ${workWords(work)} meanwhile` : '';
  const of = thread === undefined ? '' : ` of ${thread}`;
  return `${snapshots.length === 1 ? 'One snapshot' : `${snapshots.length} snapshots`}${of}: heap ${heaps}, ${objects} objects${span}${done}`;
}

function workWords({ unit, count }: WorkDone): string {
  if (unit === 'pieces') return count === 1 ? 'piece of work' : 'pieces of work';
  return count === 1 ? unit : `${unit}s`;
}

function recordingText(spanMs: number, heap: NonNullable<LeakReport['heap']>): string {
  const span = `A recording of ${formatMs(spanMs)}`;
  const [first, last] = [heap[0], heap.at(-1)];
  if (!first || !last) return `${span}; no major collection in it`;
  const trend = sparkline(
    heap.map(({ atMs, bytes }) => ({ t: atMs, value: bytes })),
    spanMs,
    Math.min(TREND_COLUMNS, heap.length),
  );
  return `${span}; old space after ${formatCount(heap.length)} major collections ${formatBytes(first.bytes)} → ${formatBytes(last.bytes)}  ${trend}`;
}
