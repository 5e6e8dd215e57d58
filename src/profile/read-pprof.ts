/** pprof's protocol buffer, gzipped or not. Format: https://github.com/google/pprof/blob/main/proto/profile.proto */
import { gunzipSync } from 'node:zlib';
import { Profile as Pprof } from 'pprof-format';
import { bad } from './loose.ts';
import { categoryOf } from './read-collapsed.ts';
import { TreeBuilder } from './tree-builder.ts';
import type { Profile, ProfileFrame } from './types.ts';
import { UNITS } from './units.ts';

/** Unpacked: a bomb of zeros is none of ours. */
const MAX_BYTES = 1 << 30;
const THREAD_LABELS = ['thread', 'thread name', 'thread_name'];

/** Weights are of the last type of sample that has a unit of ours. Throws InputError. */
export function readPprof(bytes: Buffer): Pick<Profile, 'unit' | 'threads' | 'kind'> {
  const pprof = decode(bytes);
  const text = (index: number | bigint): string => pprof.stringTable.strings[Number(index)] ?? '';
  const types = pprof.sampleType.map(({ type, unit }) => ({ type: text(type), unit: text(unit) }));
  if (types.length === 0) throw bad('it has no types of samples');
  const known = types.findLastIndex(({ unit }) => unit in UNITS);
  const column = known >= 0 ? known : types.length - 1;
  const [unit, factor] = UNITS[types[column]!.unit] ?? ['samples', 1];
  const frames = framesOf(pprof, text);
  const builders = new Map<string, TreeBuilder>();
  for (const { locationId, value, label } of pprof.sample) {
    const thread = label.find(({ key }) => THREAD_LABELS.includes(text(key)));
    const name = (thread && text(thread.str)) || 'main thread';
    let builder = builders.get(name);
    if (!builder) {
      builder = new TreeBuilder();
      builders.set(name, builder);
    }
    const stack: number[] = [];
    for (let i = locationId.length - 1; i >= 0; i--) {
      for (const frame of frames.get(Number(locationId[i])) ?? []) stack.push(builder.frame(frame));
    }
    builder.add(builder.stack(stack), Math.max(0, Number(value[column] ?? 0)) * factor);
  }
  const threads = [...builders].map(([name, builder]) => builder.build(name));
  return {
    unit,
    kind: kindOf(types[column]!.type),
    threads: threads.length > 0 ? threads : [new TreeBuilder().build('main thread')],
  };
}

function kindOf(type: string): Profile['kind'] {
  if (/^(cpu|wall|sample)/.test(type)) return 'cpu';
  if (/^alloc/.test(type)) return 'alloc-space';
  return /^(inuse|space)/.test(type) ? 'in-use-space' : 'other';
}

function decode(bytes: Buffer): Pprof {
  try {
    const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
    return Pprof.decode(isGzip ? gunzipSync(bytes, { maxOutputLength: MAX_BYTES }) : bytes);
  } catch {
    throw bad('it cannot be unpacked as a pprof profile');
  }
}

/** By location; several where functions are inlined, outermost first. */
function framesOf(pprof: Pprof, text: (index: number | bigint) => string): Map<number, ProfileFrame[]> {
  const functions = new Map(pprof.function.map((of) => [Number(of.id), of]));
  return new Map(
    pprof.location.map(({ id, line }) => [
      Number(id),
      line.toReversed().map(({ functionId, line: at }) => {
        const of = functions.get(Number(functionId));
        const name = of ? text(of.name).slice(0, 4096) : '';
        const file = of ? text(of.filename).slice(0, 4096) : '';
        return {
          function: name,
          file,
          line: Number(of?.startLine ?? 0) || Number(at),
          column: 0,
          category: categoryOf(name, file),
        };
      }),
    ]),
  );
}
