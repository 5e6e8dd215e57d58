import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readSnapshot } from '../../src/heap/read-snapshot.ts';
import { PlainKernel } from '../../src/heap/scan-kernel.ts';
import type { HeapSnapshot } from '../../src/heap/snapshot.ts';
import { suspendedCalls } from '../../src/heap/suspended-calls.ts';
import { InputError } from '../../src/recording/input-error.ts';
import { takeSnapshot } from './take-snapshot.ts';

const TEXTS = [
  'line\u2028separator',
  'quote " and \\ backslash',
  'emoji 😀 and \ud83d alone',
  'Zürich 東京',
  'tab\tnewline\n',
];
const PROGRAM = `
  class Zürich { constructor() { this.texts = ${JSON.stringify(TEXTS)}; } }
  globalThis.kept = new Zürich();
  globalThis.half = new Array(1000).fill(0).map((_, i) => ({ i: { i } }));
`;

let folder: string;
let path: string;
let text: string;
let snapshot: HeapSnapshot;

beforeAll(async () => {
  const taken = takeSnapshot(PROGRAM);
  ({ folder, path } = taken);
  text = readFileSync(path, 'utf8');
  snapshot = await readSnapshot(path);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(content: string | Buffer): string {
  const made = join(mkdtempSync(join(folder, 'made-')), 'x.heapsnapshot');
  writeFileSync(made, content);
  return made;
}

async function errorOf(input: string): Promise<string> {
  const error: unknown = await readSnapshot(input).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(InputError);
  const { message } = error as InputError;
  expect(message.split('\n')).toHaveLength(1);
  return message;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);

interface Header {
  snapshot: { meta: { node_fields: string[]; node_types: string[][] } };
  nodes: number[];
  edges: number[];
  strings: string[];
  locations: number[];
}

describe('a snapshot of this Node', () => {
  test('has the nodes, edges and strings that JSON.parse finds', () => {
    const parsed: Header = JSON.parse(text);
    const width = parsed.snapshot.meta.node_fields.length;
    expect(snapshot.nodeCount).toBe(parsed.nodes.length / width);
    expect(snapshot.edgeCount).toBe(parsed.edges.length / 3);
    let edge = 0;
    let wrong = 0;
    for (let node = 0; node < snapshot.nodeCount; node++) {
      const [type, name, id, size, edges] = parsed.nodes.slice(node * width, node * width + 5);
      if (snapshot.nodeType(node) !== parsed.snapshot.meta.node_types[0]![type!]) wrong++;
      if (snapshot.nodeId(node) !== id || snapshot.selfSize(node) !== size) wrong++;
      if (snapshot.nodeName(node) !== parsed.strings[name!] || snapshot.firstEdge(node) !== edge) wrong++;
      edge += edges!;
    }
    for (let at = 0; at < snapshot.edgeCount; at++) {
      if (snapshot.edgeNameOrIndex(at) !== parsed.edges[at * 3 + 1]) wrong++;
      if (snapshot.edgeTarget(at) * width !== parsed.edges[at * 3 + 2]) wrong++;
    }
    expect(wrong).toBe(0);
    expect(parsed.strings.map((_, index) => snapshot.columns.strings.at(index))).toEqual(parsed.strings);
  });

  test('non-ASCII and escaped strings', () => {
    const names = new Set(Array.from({ length: snapshot.nodeCount }, (_, node) => snapshot.nodeName(node)));
    expect(names).toContain('Zürich');
    // V8 writes what is no valid UTF-16 as a replacement character.
    for (const wanted of TEXTS.filter((each) => !each.includes('alone'))) expect(names).toContain(wanted);
  });

  test('retainers are the edges the other way round', () => {
    const { first, edges } = snapshot.retainers;
    let wrong = 0;
    for (let node = 0; node < snapshot.nodeCount; node++) {
      for (let at = first[node]!; at < first[node + 1]!; at++) if (snapshot.edgeTarget(edges[at]!) !== node) wrong++;
    }
    for (let node = 0; node < snapshot.nodeCount; node += 97) {
      for (let edge = snapshot.firstEdge(node); edge < snapshot.firstEdge(node + 1); edge++) {
        if (snapshot.edgeSource(edge) !== node) wrong++;
      }
    }
    expect(wrong).toBe(0);
    expect(first[snapshot.nodeCount]).toBe(snapshot.edgeCount);
  });

  test('ids lead back to nodes', () => {
    for (let node = 0; node < snapshot.nodeCount; node += 31) {
      expect(snapshot.indexOfId(snapshot.nodeId(node))).toBe(node);
    }
    expect(snapshot.indexOfId(2 ** 31 + 1)).toBe(-1);
  });

  test('tells where a class begins', () => {
    const node = Array.from({ length: snapshot.nodeCount }, (_, at) => at).find(
      (at) => snapshot.nodeType(at) === 'closure' && snapshot.nodeName(at) === 'Zürich',
    );
    expect(snapshot.location(node!)).toMatchObject({ line: 2 });
    expect(snapshot.location(0)).toBeUndefined();
  });

  test('is the same without WebAssembly', async () => {
    const plain = await readSnapshot(path, { kernel: new PlainKernel() });
    const { strings } = plain.columns;
    for (const [name, column] of Object.entries(plain.columns)) {
      if (!ArrayBuffer.isView(column)) continue;
      const other = snapshot.columns[name as keyof typeof snapshot.columns] as Uint32Array;
      expect(bytesOf(column).equals(bytesOf(other)), name).toBe(true);
    }
    expect(strings.count).toBe(snapshot.columns.strings.count);
    for (let i = 0; i < strings.count; i += 7) expect(strings.at(i)).toBe(snapshot.columns.strings.at(i));
  });

  test('progress ends with all bytes', async () => {
    const seen: number[] = [];
    await readSnapshot(path, { onProgress: (done, total) => seen.push(done / total) });
    expect(seen.length).toBeGreaterThan(1);
    expect(seen.at(-1)).toBe(1);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });
});

interface Change {
  snapshot: { node_count: number; edge_count: number; meta?: unknown };
  nodes: unknown[];
  edges: unknown[];
  locations: unknown[];
  strings?: unknown[];
}

/** A snapshot of two nodes and an edge, in fields of another order, with one field more, pretty-printed. */
function small(change: (header: Change) => void = () => {}): string {
  const header: Change & Record<string, unknown> = {
    snapshot: {
      meta: {
        node_fields: ['id', 'extra', 'edge_count', 'name', 'type', 'self_size'],
        node_types: ['number', 'number', 'number', 'string', ['hidden', 'object'], 'number'],
        edge_fields: ['to_node', 'type', 'name_or_index'],
        edge_types: ['node', ['internal', 'element'], 'string_or_number'],
        location_fields: ['line', 'column', 'object_index', 'script_id'],
      },
      node_count: 2,
      edge_count: 1,
    },
    other: { skipped: ['a', { b: ']"' }], more: 1.5e3 },
    nodes: [2 ** 33 + 1, 9, 1, 1, 0, 2 ** 40, 3, 9, 0, 2, 1, 8],
    edges: [6, 0, 1],
    empty: [],
    locations: [4, 2, 6, 77, 0, 0, 0, 78],
    strings: ['', 'Größe', 'x'],
  };
  change(header);
  return JSON.stringify(header, null, 1);
}

test('the layout comes from the header; ids and sizes may be large; strings may be UTF-8', async () => {
  const read = await readSnapshot(file(small()));
  expect([read.nodeId(0), read.nodeId(1), read.selfSize(0), read.selfSize(1)]).toEqual([2 ** 33 + 1, 3, 2 ** 40, 8]);
  expect(read.indexOfId(2 ** 33 + 1)).toBe(0);
  expect([read.nodeType(1), read.nodeName(0), read.edgeType(0), read.edgeName(0)]).toEqual([
    'object',
    'Größe',
    'internal',
    'Größe',
  ]);
  expect(read.edgeTarget(0)).toBe(1);
  expect(read.location(1)).toEqual({ scriptId: 77, line: 5, column: 3 });
  expect(read.location(0)).toEqual({ scriptId: 78, line: 1, column: 1 });
});

describe('what is no whole snapshot is refused with the byte', () => {
  test.each([1, 100, 1500, 50_000, 0.3, 0.5, 0.7, 0.9, 0.99])('cut short at %d', async (where) => {
    const bytes = Buffer.from(text);
    const at = where < 1 ? Math.floor(bytes.length * where) : where;
    const message = await errorOf(file(bytes.subarray(0, at)));
    expect(message).toContain('cut short');
    expect(message).toContain(`at byte ${at}`);
  });

  test('only the last byte is missing', async () => {
    const cut = file(text.trimEnd());
    truncateSync(cut, statSync(cut).size - 1);
    expect(await errorOf(cut)).toContain('cut short');
  });

  test('empty', async () => {
    expect(await errorOf(file(''))).toContain('it is empty');
  });

  test.each([
    ['{"name":"evdiag","version":"1"}', 'does not begin with the key "snapshot"'],
    ['[1,2,3]', "'[' stands where '{' should"],
    ['hello', "'h' stands where '{' should"],
    ['{}', `'}' stands where '"' should`],
    ['{"snapshot":1}', 'no "meta"'],
    ['{"snapshot":{"meta":{"node_fields":["type"]}}}', 'no "name"'],
    ['{"snapshot":{"meta":{} ]}', 'not JSON'],
    [Buffer.from([0x1f, 0x8b, 8, 0, 0, 0]), 'the byte 31 stands'],
  ])('foreign: %s', async (content, words) => {
    const message = await errorOf(file(content as string));
    expect(message).toContain(words as string);
    expect(message).toMatch(/at byte \d+/);
  });

  test.each<[string, (header: Change) => void]>([
    [
      'header promises 2000000000 rows',
      (header) => {
        header.snapshot.node_count = 2e9;
      },
    ],
    [
      '2 nodes are there of the promised 3',
      (header) => {
        header.snapshot.node_count = 3;
      },
    ],
    [
      'more than the promised 1 nodes',
      (header) => {
        header.snapshot.node_count = 1;
      },
    ],
    [
      '1 edges, not the promised 2',
      (header) => {
        header.snapshot.edge_count = 2;
      },
    ],
    [
      'leads to no node',
      (header) => {
        header.edges = [600, 0, 1];
      },
    ],
    [
      'leads to no node',
      (header) => {
        header.edges = [5, 0, 1];
      },
    ],
    [
      'a row of the part "edges" is not whole',
      (header) => {
        header.edges = [6, 0];
      },
    ],
    [
      'unknown type 9',
      (header) => {
        header.edges = [6, 9, 1];
      },
    ],
    [
      'not among its 1 strings',
      (header) => {
        header.strings = [''];
      },
    ],
    [
      'it has no "strings"',
      (header) => {
        delete header.strings;
      },
    ],
    [
      "'\"' stands where a number should",
      (header) => {
        header.nodes = ['a'];
      },
    ],
    [
      "'.' stands where a number should",
      (header) => {
        header.nodes = [1.5];
      },
    ],
    [
      "'1' stands where a string should",
      (header) => {
        header.strings = [1];
      },
    ],
    [
      'location belongs to no node',
      (header) => {
        header.locations = [1, 1, 999, 1];
      },
    ],
  ])('corrupt: %s', async (words, change) => {
    expect(await errorOf(file(small(change)))).toContain(words);
  });

  test('more behind the end', async () => {
    expect(await errorOf(file(`${small()}{}`))).toContain('more follows');
  });

  test('a folder, and nothing', async () => {
    expect(await errorOf(folder)).toContain('is a folder, not a file');
    expect(await errorOf(join(folder, 'none'))).toContain('does not exist');
    if (existsSync('/dev/zero')) expect(await errorOf('/dev/zero')).toContain('is a device, not a file');
  });
});

test('a large snapshot: prints speed and memory', async () => {
  const taken = takeSnapshot(`
    globalThis.kept = [];
    for (let i = 0; i < 250_000; i++) globalThis.kept.push({ id: { i }, name: 'item ' + i, pair: [{ i }, {}] });
    async function waiting(promise) { await promise; }
    globalThis.never = new Promise((resolve) => { globalThis.resolve = resolve; });
    globalThis.calls = Array.from({ length: 20_000 }, () => waiting(globalThis.never));
  `);
  try {
    const { size } = statSync(taken.path);
    const before = process.memoryUsage().arrayBuffers;
    const start = performance.now();
    const large = await readSnapshot(taken.path);
    const readMs = performance.now() - start;
    const memory = process.memoryUsage().arrayBuffers - before;
    const calls = suspendedCalls(large);
    const callsMs = performance.now() - start - readMs;
    expect(size).toBeGreaterThan(30e6);
    expect(calls).toHaveLength(20_000);
    expect(memory).toBeLessThan(2 * size);
    const mb = size / 1e6;
    console.log(
      `${mb.toFixed(0)} MB: read ${readMs.toFixed(0)} ms (${(mb / (readMs / 1000)).toFixed(0)} MB/s), ` +
        `${(memory / 1e6).toFixed(0)} MB of typed arrays, ${calls.length} calls in ${callsMs.toFixed(0)} ms`,
    );
  } finally {
    taken.remove();
  }
});
