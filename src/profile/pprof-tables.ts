/** The tables of a pprof file that its samples point into: types, texts, and places with their functions. */
import { eachField } from '../recording/foreign/protobuf.ts';
import { bad } from './loose.ts';
import { categoryOf } from './read-collapsed.ts';
import type { ProfileFrame } from './types.ts';

/** Some 100 bytes each: large programs have 100 000. */
const MAX_ENTRIES = 2_000_000;
const MAX_NAME_BYTES = 4096;
const PROFILE = { type: 1, location: 4, function: 5, text: 6 } as const;
const TYPE = { type: 1, unit: 2 } as const;
const LOCATION = { id: 1, line: 4 } as const;
const LINE = { function: 1, line: 2 } as const;
const FUNCTION = { id: 1, name: 2, file: 4, line: 5 } as const;

type Id = number | bigint;

export interface PprofTables {
  /** Indexes of texts. */
  types: { type: Id; unit: Id }[];
  /** '' for an index that is not there. */
  text(index: Id): string;
  /** By location; several where functions are inlined, outermost first. */
  frames: ReadonlyMap<Id, readonly ProfileFrame[]>;
}

/** Throws InputError if the bytes are no such file. */
export function tablesOf(bytes: Buffer): PprofTables {
  const types: PprofTables['types'] = [];
  const texts: [from: number, to: number][] = [];
  const functions: [from: number, to: number][] = [];
  const locations: [from: number, to: number][] = [];
  const lists = new Map([
    [PROFILE.text as number, texts],
    [PROFILE.function, functions],
    [PROFILE.location, locations],
  ]);
  const isWhole = eachField(bytes, 0, bytes.length, (field, _, from, to) => {
    if (from < 0) return;
    const list = lists.get(field);
    if (list) add(list, from, to);
    else if (field === PROFILE.type) types.push(numbersOf(bytes, from, to, TYPE));
    if (types.length > MAX_ENTRIES) throw tooMany();
  });
  if (!isWhole) throw bad('it cannot be unpacked as a pprof profile');
  const text = (index: Id): string => {
    const [from, to] = texts[Number(index)] ?? [0, 0];
    return bytes.toString('utf8', from, Math.min(to, from + MAX_NAME_BYTES));
  };
  return { types, text, frames: framesOf(bytes, functions, locations, text) };
}

function add(list: [number, number][], from: number, to: number): void {
  if (list.length >= MAX_ENTRIES) throw tooMany();
  list.push([from, to]);
}

function tooMany(): Error {
  return bad(`it has more than ${MAX_ENTRIES} texts, functions or places`);
}

function framesOf(
  bytes: Buffer,
  functions: readonly [number, number][],
  locations: readonly [number, number][],
  text: (index: Id) => string,
): Map<Id, ProfileFrame[]> {
  const byId = new Map<Id, { name: Id; file: Id; line: Id }>();
  for (const [from, to] of functions) {
    const { id, ...of } = numbersOf(bytes, from, to, FUNCTION);
    byId.set(id, of);
  }
  let left = MAX_ENTRIES;
  const frameOf = (from: number, to: number): ProfileFrame => {
    if (left-- === 0) throw tooMany();
    const { function: id, line } = numbersOf(bytes, from, to, LINE);
    const of = byId.get(id);
    const [name, file] = of ? [text(of.name), text(of.file)] : ['', ''];
    const first = Number(of?.line ?? 0) || Number(line);
    return { function: name, file, line: first, column: 0, category: categoryOf(name, file) };
  };
  const frames = new Map<Id, ProfileFrame[]>();
  for (const [start, end] of locations) {
    const lines: ProfileFrame[] = [];
    let id: Id = 0;
    eachField(bytes, start, end, (field, value, from, to) => {
      if (field === LOCATION.id) id = value;
      if (field === LOCATION.line && from >= 0) lines.push(frameOf(from, to));
    });
    frames.set(id, lines.reverse());
  }
  return frames;
}

/** The fields of a message that are numbers, by their names; 0 for what is not there. */
function numbersOf<Name extends string>(
  bytes: Buffer,
  start: number,
  end: number,
  fields: Readonly<Record<Name, number>>,
): Record<Name, Id> {
  const names = Object.entries(fields) as [Name, number][];
  const values = Object.fromEntries(names.map(([name]) => [name, 0])) as Record<Name, Id>;
  eachField(bytes, start, end, (field, value, from) => {
    const name = from < 0 ? names.find(([, number]) => number === field)?.[0] : undefined;
    if (name) values[name] = value;
  });
  return values;
}
