import { gzipSync } from 'node:zlib';
import {
  Label,
  Line,
  Location,
  Profile as Pprof,
  Function as PprofFunction,
  Sample,
  StringTable,
  ValueType,
} from 'pprof-format';
import { frameName } from '../profile/call-tree.ts';
import type { Profile } from '../profile/types.ts';
import { stripControl } from '../util/text.ts';
import { LEFT_OUT, LEFT_OUT_FRAME, spelledStacks } from './spelled-stacks.ts';
import type { Exporter } from './types.ts';

/** 16 bytes each while writing. */
const MAX_FRAMES = 20e6;

/** By unit: the types of samples as pprof's own profiles name them, and what a weight is multiplied by. */
const TYPES: Record<Profile['unit'], { count: string; weight: string; unit: string; factor: number }> = {
  us: { count: 'samples', weight: 'wall', unit: 'nanoseconds', factor: 1000 },
  bytes: { count: 'objects', weight: 'space', unit: 'bytes', factor: 1 },
  samples: { count: 'samples', weight: 'samples', unit: 'count', factor: 1 },
};

/** For `go tool pprof`, Pyroscope, Polar Signals, Datadog …; gzipped, all threads, each with its label. */
export const pprof: Exporter = {
  id: 'pprof',
  title: 'pprof',
  extension: 'pb.gz',
  mediaType: 'application/octet-stream',
  write({ threads, unit, kind }) {
    const stringTable = new StringTable();
    const text = (value: string): number => stringTable.dedup(stripControl(value));
    const { count, weight, unit: weightUnit, factor } = TYPES[unit];
    const prefix = unit !== 'bytes' ? '' : kind === 'alloc-space' ? 'alloc_' : 'inuse_';
    const sampleType = [
      new ValueType({ type: text(prefix + count), unit: text('count') }),
      new ValueType({ type: text(prefix + weight), unit: text(weightUnit) }),
    ];
    const places: { function: PprofFunction[]; location: Location[] } = { function: [], location: [] };
    const ids = new Map<string, number>();
    const locationId = (name: string, file: string, line: number): number => {
      const key = `${line}|${name}|${file}`;
      const known = ids.get(key);
      if (known !== undefined) return known;
      const id = ids.size + 1;
      ids.set(key, id);
      places.function.push(
        new PprofFunction({ id, name: text(name), systemName: text(name), filename: text(file), startLine: line }),
      );
      places.location.push(new Location({ id, line: [new Line({ functionId: id, line })] }));
      return id;
    };
    const sample: Sample[] = [];
    const stacks = spelledStacks(threads, MAX_FRAMES, true);
    const leftOut = (): number => locationId(LEFT_OUT_FRAME.function, '', 0);
    for (const [i, thread] of threads.entries()) {
      const frames = thread.frames.map((frame) => locationId(frameName(frame), frame.file, frame.line));
      const counts = countsOf(thread);
      const label = [new Label({ key: text('thread'), str: text(thread.name) })];
      for (let node = 1; node < thread.self.length; node++) {
        const value = Math.round(thread.self[node]! * factor);
        if (value === 0) continue;
        const stack = stacks[i]!(node).reverse();
        const places = stack.map((frame) => (frame === LEFT_OUT ? leftOut() : frames[frame]!));
        sample.push(new Sample({ locationId: places, value: [counts[node]!, value], label }));
      }
    }
    const span = Math.max(0, ...threads.map(({ taken }) => taken?.spanUs ?? 0));
    const period = Math.round((threads[0]?.taken?.interval ?? 0) * factor);
    const rest = { durationNanos: Math.round(span * 1000), periodType: sampleType[1]!, period };
    return gzipSync(new Pprof({ sampleType, sample, ...places, stringTable, ...rest }).encode());
  },
};

/** Samples by node; one each if they are not known. */
function countsOf({ samples, self }: Profile['threads'][number]): Float64Array {
  const counts = new Float64Array(self.length);
  if (samples) for (const node of samples.node) counts[node]!++;
  else counts.fill(1);
  return counts;
}
