/** The part `locations` of a snapshot: where functions and classes begin. */
import type { ByteReader } from './byte-reader.ts';
import { positions, readRows } from './numbers.ts';

/** Rows of node, script, line and column, by node. Throws InputError. */
export async function readLocations(
  reader: ByteReader,
  {
    locationFields: fields,
    nodeFields,
    nodeCount,
  }: { locationFields: readonly string[]; nodeFields: readonly string[]; nodeCount: number },
): Promise<Int32Array> {
  const nodeWidth = nodeFields.length;
  const [nodeAt, scriptAt, lineAt, columnAt] = positions(fields, ['object_index', 'script_id', 'line', 'column']);
  let locations = new Int32Array(1 << 14);
  let used = 0;
  if (fields.length === 0) throw reader.corrupt('its header has no "location_fields"');
  const width = fields.length;
  await readRows(reader, width, (rows, rowCount, wide) => {
    for (let at = 0; at < rowCount * width; at += width, used += 4) {
      const node = rows[at + nodeAt]! / nodeWidth;
      if (!(node < nodeCount && Number.isInteger(node))) return 'a location belongs to no node';
      if (used === locations.length) locations = grown(locations);
      locations[used] = node;
      locations[used + 1] = wide ? wide[scriptAt]! : rows[at + scriptAt]!;
      locations[used + 2] = wide ? wide[lineAt]! : rows[at + lineAt]!;
      locations[used + 3] = wide ? wide[columnAt]! : rows[at + columnAt]!;
    }
    return undefined;
  });
  return sortedByNode(locations.slice(0, used));
}

function grown(values: Int32Array): Int32Array<ArrayBuffer> {
  const wider = new Int32Array(values.length * 2);
  wider.set(values);
  return wider;
}

/** Node 20 writes them in the order of its own tables. Two passes by 16 bits each, the lower ones first. */
function sortedByNode(rows: Int32Array): Int32Array {
  let ordered = true;
  for (let at = 4; at < rows.length && ordered; at += 4) ordered = rows[at - 4]! <= rows[at]!;
  return ordered ? rows : sortedBy(sortedBy(rows, 0), 16);
}

/** In the order of 16 bits of the node; equal ones stay in theirs. */
function sortedBy(rows: Int32Array, shift: number): Int32Array {
  const next = new Uint32Array(0x10001);
  for (let at = 0; at < rows.length; at += 4) next[((rows[at]! >>> shift) & 0xffff) + 1]! += 4;
  for (let i = 1; i < next.length; i++) next[i]! += next[i - 1]!;
  const sorted = new Int32Array(rows.length);
  for (let at = 0; at < rows.length; at += 4) {
    const digit = (rows[at]! >>> shift) & 0xffff;
    const to = next[digit]!;
    next[digit] = to + 4;
    for (let field = 0; field < 4; field++) sorted[to + field] = rows[at + field]!;
  }
  return sorted;
}
