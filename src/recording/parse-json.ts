import { getHeapStatistics } from 'node:v8';
import { InputError } from '../util/input-error.ts';
import { formatBytes } from '../util/text.ts';

/** Smaller ones are parsed without a check: they cannot fill a heap. */
const SMALL_BYTES = 8 << 20;
/** What V8 needs on 64-bit machines: an object with a few fields, a list, a number in either. */
const COST = { object: 88, list: 56, value: 16 } as const;
/** The rest is for what is made from it. */
const HEAP_SHARE = 0.6;

const [QUOTE, BACKSLASH, COMMA, OBJECT, LIST] = [...'"\\,{['].map((char) => char.charCodeAt(0));

/** A JSON file as a value. Throws InputError, also if the value would not fit into memory, which would end the process otherwise. */
export function parseJson(bytes: Buffer, heapBytes = getHeapStatistics().heap_size_limit): unknown {
  if (bytes.length > SMALL_BYTES) requireRoom(bytes, heapBytes);
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new InputError('it is cut off, or not JSON. Record it again.');
  }
}

function requireRoom(bytes: Buffer, heapBytes: number): void {
  const needed = neededBytes(bytes);
  if (needed <= heapBytes * HEAP_SHARE) return;
  const megabytes = Math.ceil(needed / HEAP_SHARE / 2 ** 20);
  throw new InputError(
    `it would take ${formatBytes(needed)} of memory. Record for a shorter time, or set NODE_OPTIONS=--max-old-space-size=${megabytes}.`,
  );
}

/** An upper estimate, in one pass. */
function neededBytes(bytes: Buffer): number {
  let needed = 2 * bytes.length;
  let inString = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (inString) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === COMMA) needed += COST.value;
    else if (byte === OBJECT) needed += COST.object;
    else if (byte === LIST) needed += COST.list;
  }
  return needed;
}
