/**
 * pprof's protocol buffer, gzipped or not. Format: https://github.com/google/pprof/blob/main/proto/profile.proto
 * It is read in place, one sample at a time: a small file may contain millions of entries.
 */
import { gunzipSync } from 'node:zlib';
import { eachField, eachVarint } from '../recording/foreign/protobuf.ts';
import { bad, weightOf } from './loose.ts';
import { type PprofTables, tablesOf } from './pprof-tables.ts';
import { TreeBuilder } from './tree-builder.ts';
import type { Profile, ProfileFrame } from './types.ts';
import { UNITS } from './units.ts';

/** Unpacked: a file of a day has some MB. */
const MAX_BYTES = 256 << 20;
/** Of all stacks together: seconds of work. */
const MAX_FRAMES = 50_000_000;
const THREAD_LABELS = new Set(['thread', 'thread name', 'thread_name']);

/** Weights are of the last type of sample that has a unit of ours. Throws InputError. */
export function readPprof(bytes: Buffer): Pick<Profile, 'unit' | 'threads' | 'kind'> {
  const unpacked = unpack(bytes);
  const tables = tablesOf(unpacked);
  const types = tables.types.map(({ type, unit }) => ({ type: tables.text(type), unit: tables.text(unit) }));
  if (types.length === 0) throw bad('it has no types of samples');
  const known = types.findLastIndex(({ unit }) => UNITS.has(unit));
  const column = known >= 0 ? known : types.length - 1;
  const [unit, factor] = UNITS.get(types[column]!.unit) ?? ['samples', 1];
  const threads = threadsOf(unpacked, tables, column, factor);
  return {
    unit,
    kind: kindOf(types[column]!.type),
    threads: threads.length > 0 ? threads : [new TreeBuilder().build('main thread')],
  };
}

/** One thread for each label of one. */
function threadsOf(bytes: Buffer, tables: PprofTables, column: number, factor: number): Profile['threads'] {
  const builders = new Map<string, { builder: TreeBuilder; known: Map<ProfileFrame, number> }>();
  let left = MAX_FRAMES;
  eachField(bytes, 0, bytes.length, (field, _, from, to) => {
    if (field !== FIELD.sample || from < 0) return;
    const { locations, values, thread } = sampleOf(bytes, from, to, tables);
    left -= locations.length;
    if (left < 0) throw bad(`its stacks have more than ${MAX_FRAMES} functions`);
    const { builder, known } = builders.get(thread) ?? { builder: new TreeBuilder(), known: new Map() };
    builders.set(thread, { builder, known });
    let node = 0;
    for (let i = locations.length - 1; i >= 0; i--) {
      for (const frame of tables.frames.get(locations[i]!) ?? []) {
        const index = known.get(frame) ?? builder.frame(frame);
        known.set(frame, index);
        node = builder.child(node, index);
      }
    }
    builder.add(node, weightOf(signed(values[column] ?? 0)) * factor);
  });
  return [...builders].map(([name, { builder }]) => builder.build(name));
}

const FIELD = { sample: 2 } as const;
const SAMPLE = { locations: 1, values: 2, label: 3 } as const;
const LABEL = { key: 1, text: 2 } as const;

/** Locations are innermost first. */
function sampleOf(bytes: Buffer, start: number, end: number, tables: PprofTables) {
  const locations: (number | bigint)[] = [];
  const values: (number | bigint)[] = [];
  let thread = '';
  const isWhole = eachField(bytes, start, end, (field, value, from, to) => {
    const list = field === SAMPLE.locations ? locations : field === SAMPLE.values ? values : null;
    if (list && list.length >= MAX_FRAMES) throw bad(`a stack has more than ${MAX_FRAMES} functions`);
    // Packed, or one by one.
    if (list && from < 0) list.push(value);
    else if (list && to - from > MAX_FRAMES) throw bad(`a stack has more than ${MAX_FRAMES} functions`);
    else if (list && !eachVarint(bytes, from, to, (one) => list.push(one))) throw damaged();
    else if (field === SAMPLE.label && from >= 0 && thread === '') thread = threadIn(bytes, from, to, tables);
  });
  if (!isWhole) throw damaged();
  return { locations, values, thread: thread || 'main thread' };
}

/** '' if the label is not of a thread. */
function threadIn(bytes: Buffer, start: number, end: number, { text }: PprofTables): string {
  let [key, words] = ['', ''];
  eachField(bytes, start, end, (field, value) => {
    if (field === LABEL.key) key = text(value);
    if (field === LABEL.text) words = text(value);
  });
  return THREAD_LABELS.has(key) ? words : '';
}

/** Values are signed, and weights are not negative. */
function signed(value: number | bigint): number {
  return Number(typeof value === 'bigint' ? BigInt.asIntN(64, value) : value);
}

function kindOf(type: string): Profile['kind'] {
  if (/^(cpu|wall|sample)/.test(type)) return 'cpu';
  if (/^alloc/.test(type)) return 'alloc-space';
  return /^(inuse|space)/.test(type) ? 'in-use-space' : 'other';
}

function unpack(bytes: Buffer): Buffer {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_BYTES });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw bad(`unpacked it has more than ${MAX_BYTES >> 20} MiB`);
    throw damaged();
  }
}

function damaged(): Error {
  return bad('it cannot be unpacked as a pprof profile');
}
