/** Inputs that are nearly right: a seed's structure with something wrong in it. The same numbers give the same inputs. */

export interface Chance {
  /** 0 … below - 1. */
  below(limit: number): number;
  pick<T>(list: readonly T[]): T;
}

/** mulberry32: small, and the same on all versions of Node. */
export function chance(seed: number): Chance {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return { below, pick: (list) => list[below(list.length)]! };
}

const NUMBERS = [0, -0, -1, 1, 0.5, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53, 1e15, 1e16, 1e300, -1e300, 1e-320, 5e-324];
const NAMES = [
  ...[
    '',
    '__proto__',
    'constructor',
    'toString',
    '(idle)',
    '(program)',
    '(root)',
    'f;g 1',
    '</script>',
    '\u0000',
    '\u202e',
  ],
  ...['/dev/zero', 'file:///%', 'file://host/x', 'node:fs', 'x'.repeat(5000), '\ud800', '-1', '1e999'],
];
const NESTED = 5000;

function other({ below, pick }: Chance): unknown {
  const kind = below(9);
  if (kind < 3) return pick(NUMBERS);
  if (kind < 5) return pick(NAMES);
  return [null, true, [], {}][kind - 5];
}

/** One to four changes somewhere in a JSON value. */
export function mutatedJson(text: string, random: Chance): string {
  const root = { value: JSON.parse(text) as unknown };
  for (let changes = 1 + random.below(4); changes > 0; changes--) change(root, random);
  const written = JSON.stringify(root.value) ?? '';
  if (random.below(12) > 0) return written;
  // Deeper than a stack of calls, twice the same key, not the end.
  const at = random.below(written.length + 1);
  const nested = random.pick(['[', '{"children":[', '{"a":']).repeat(NESTED);
  const insert = random.pick([nested, '"nodes":[],', '"__proto__":null,', ']', '"', ',', '\u0000']);
  return written.slice(0, at) + insert + (random.below(2) ? written.slice(at) : '');
}

function change(root: { value: unknown }, random: Chance): void {
  let holder: Record<string, unknown> | unknown[] = root as unknown as Record<string, unknown>;
  let key: string | number = 'value';
  for (let depth = random.below(9); depth > 0; depth--) {
    const value: unknown = (holder as Record<string, unknown>)[key];
    if (typeof value !== 'object' || value === null) break;
    const keys: string[] = Object.keys(value);
    if (keys.length === 0) break;
    holder = value as Record<string, unknown>;
    key = random.pick(keys);
  }
  const all = holder as Record<string, unknown>;
  const kind = random.below(8);
  if (kind === 0) delete all[key];
  else if (kind === 1 && Array.isArray(holder)) holder.splice(Number(key), 0, holder[Number(key)], other(random));
  else if (kind === 2 && Array.isArray(all[key])) all[key] = (all[key] as unknown[]).concat(all[key] as unknown[]);
  else if (kind === 3 && typeof all[key] === 'number') all[key] = (all[key] as number) + random.pick([1, -1, 0.5, 1e9]);
  else if (kind === 4 && !Array.isArray(holder)) all[random.pick(NAMES)] = other(random);
  else all[key] = other(random);
}

/** One to six changes of bytes: flipped, cut off, repeated, taken out, extreme. */
export function mutatedBytes(seed: Buffer, random: Chance): Buffer {
  let bytes = Buffer.from(seed);
  for (let changes = 1 + random.below(6); changes > 0 && bytes.length > 0; changes--) {
    const at = random.below(bytes.length);
    const kind = random.below(7);
    const size = 1 + random.below(Math.min(64, bytes.length - at));
    if (kind < 2) bytes[at]! ^= 1 << random.below(8);
    else if (kind === 2) bytes[at] = random.pick([0, 1, 0x7f, 0x80, 0xff, 0x22, 0x2c, 0x5b, 0x7b, 0x0a]);
    else if (kind === 3) bytes = bytes.subarray(0, at);
    else if (kind === 4) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)]);
    else if (kind === 5) bytes = Buffer.concat([bytes.subarray(0, at + size), bytes.subarray(at)]);
    else bytes.fill(0xff, at, at + size);
  }
  return bytes;
}
