/** Whether the memory of this machine, or of the container, is enough to read heap snapshots. */
import { statSync } from 'node:fs';
import { freemem } from 'node:os';
import { InputError } from '../util/input-error.ts';
import { formatBytes } from '../util/text.ts';

/** Smaller ones are read anyway: Node itself takes more. */
const MIN_BYTES = 200e6;
/** Of the file, while it is analysed; measured with `npm run bench:heap`: 1.32 at 500 MB. */
const PEAK_RATIO = 1.4;
/** Of a file before it, of which ids and sums are kept. */
const KEPT_RATIO = 0.4;

/** Throws InputError with both figures where it is not; `availableBytes` for tests. */
export function requireMemory(files: readonly string[], availableBytes = available()): void {
  const sizes = files.map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0);
  const largest = Math.max(0, ...sizes);
  if (largest < MIN_BYTES) return;
  const kept = sizes.reduce((sum, bytes) => sum + bytes, 0) - largest;
  const neededBytes = PEAK_RATIO * largest + KEPT_RATIO * kept;
  if (neededBytes <= availableBytes) return;
  throw new InputError(
    `To read ${files.length === 1 ? 'it' : 'them'} takes about ${formatBytes(neededBytes)} of memory, ${formatBytes(availableBytes)} are available. Close something else, read ${files.length === 1 ? 'it' : 'them'} on another machine, or add --force to try.`,
  );
}

/** The limit of a container counts if Node knows it. */
function available(): number {
  const { availableMemory } = process as { availableMemory?: () => number };
  return availableMemory ? availableMemory.call(process) : freemem();
}
