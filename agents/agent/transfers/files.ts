/** Counts the operations on files by place, with their sizes. Only one in so many calls is looked at. */
import { NativeMap, round } from '../../primordials.ts';
import type { RawFileUse } from '../../tracked.ts';
import type { AnyFunction } from '../replace.ts';
import type { Arguments } from '../tracking/wrap.ts';
import { fileOf, pathOf, placedSizeOf, type Size, sizeOf } from './file-arguments.ts';
import type { FileCall, FileCounter } from './file-calls.ts';
import { Places, reset, scaleOf } from './places.ts';

/** Files that are told apart at one place, and places that are reported. */
const MAX_FILES = 16;
const MAX_REPORTED = 10;
/** Fewer in a second are nothing to tell. */
const LEAST_COUNT = 10;

interface Figures {
  what: FileCall | null;
  count: number;
  bytes: number;
  sized: number;
  positioned: number;
  opened: number;
  files: Map<string, number>;
}

export class Files implements FileCounter {
  readonly #places = new Places<Figures>(noFigures);
  readonly #calls: readonly FileCall[];
  #flushes = 0;

  constructor(calls: readonly FileCall[]) {
    this.#calls = calls;
  }

  setBudget(share: number): void {
    this.#places.setBudget(share);
  }

  spent(): number {
    return this.#places.sampling.spent();
  }

  flushed(): void {
    this.#flushes++;
  }

  note(what: FileCall, self: unknown, args: Arguments, wrapper: AnyFunction): void {
    what.calls++;
    const { sampling } = this.#places;
    // The first of each function and interval, too: what is counted has a place.
    const isFirst = what.seen === 0;
    if (!sampling.next() && !isFirst) return;
    const weight = isFirst ? 1 : sampling.weight();
    what.seen += weight;
    sampling.spend(() => {
      const place = this.#places.here(what.call, wrapper);
      if (place) add(place.figures, { what, self, args, weight });
    });
  }

  read(intervalMs: number): { files: RawFileUse[]; flushes: number } {
    this.#places.sampling.adapt(intervalMs);
    const files: RawFileUse[] = [];
    for (const { frames, figures } of this.#places.take()) {
      if (figures.what === null) continue;
      const use = useOf(figures, figures.what);
      if (use.count >= LEAST_COUNT) files[files.length] = { ...use, frames };
    }
    reset(this.#calls);
    const flushes = this.#flushes;
    this.#flushes = 0;
    return { files: files.sort((a, b) => b.count - a.count).slice(0, MAX_REPORTED), flushes };
  }
}

interface Seen {
  what: FileCall;
  self: unknown;
  args: Arguments;
  weight: number;
}

function add(figures: Figures, { what, self, args, weight }: Seen): void {
  const isPath = what.shape !== 'descriptor and buffer' && !what.isOfHandle && typeof args[0] !== 'number';
  figures.what = what;
  figures.count += weight;
  if (isPath) figures.opened += weight;
  const size = moved(what, args);
  if (size) {
    figures.bytes += size.bytes * weight;
    figures.sized += weight;
    if (size.isPlaced) figures.positioned += weight;
  }
  const file = isPath ? pathOf(args[0]) : fileOf(what.isOfHandle ? self : args[0]);
  if (file === null) return;
  const before = figures.files.get(file);
  if (before !== undefined || figures.files.size < MAX_FILES) figures.files.set(file, (before ?? 0) + weight);
}

function moved({ shape, isOfHandle }: FileCall, args: Arguments): Size | null {
  const data = isOfHandle ? 0 : 1;
  if (shape === 'path') return null;
  return shape === 'path and data' ? sizeOf(args[data]) : placedSizeOf(args, data);
}

function noFigures(): Figures {
  return { what: null, count: 0, bytes: 0, sized: 0, positioned: 0, opened: 0, files: new NativeMap() };
}

function useOf({ files, ...figures }: Figures, what: FileCall): Omit<RawFileUse, 'frames'> {
  const scale = scaleOf(what);
  const whole = (count: number): number => round(count * scale);
  const { sameFile, file } = mostUsed(files);
  return {
    call: what.call,
    use: what.use,
    count: whole(figures.count),
    bytes: whole(figures.bytes),
    sized: whole(figures.sized),
    positioned: whole(figures.positioned),
    opened: whole(figures.opened),
    sameFile: whole(sameFile),
    file,
  };
}

function mostUsed(counts: ReadonlyMap<string, number>): { sameFile: number; file: string | null } {
  let most = { sameFile: 0, file: null as string | null };
  for (const [file, sameFile] of counts) if (sameFile > most.sameFile) most = { sameFile, file };
  return most;
}
