/** What reads foreign input: its seeds, and how an input goes through it. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { replayOf } from '../../src/cli/replay-json.ts';
import { exporters } from '../../src/exporters/index.ts';
import { traceEvents } from '../../src/exporters/trace/trace-events.ts';
import { dominators } from '../../src/heap/dominators.ts';
import { readSnapshot } from '../../src/heap/read-snapshot.ts';
import { totalOf } from '../../src/profile/call-tree.ts';
import { diffOf } from '../../src/profile/diff.ts';
import { readProfile } from '../../src/profile/read-profile.ts';
import { tableOf } from '../../src/profile/table.ts';
import { treeText } from '../../src/profile/text.ts';
import type { Profile } from '../../src/profile/types.ts';
import { readFamily } from '../../src/recording/reader.ts';
import { createFrameMapper } from '../../src/recording/source-maps.ts';
import { buildReport } from '../../src/report/report.ts';
import { textReport } from '../../src/report/text.ts';
import { functionOf, profileOf, threadOf } from '../support/profile.ts';
import { header, ndjson } from '../support/recording.ts';
import { ROOT } from '../support/run-agent.ts';
import { SICK_ROWS } from '../support/sick-recording.ts';
import type { Chance } from './mutate.ts';

export interface FuzzedReader {
  name: string;
  /** Inputs that can be read; those of JSON are changed as values, too. */
  seeds: readonly { content: Buffer; isJson: boolean }[];
  /** Throws whatever the reader throws. */
  read(folder: string, content: Buffer, random: Chance): unknown;
}

const FIXTURES = join(ROOT, 'test/fixtures');
const PAINT = (text: string): string => text;
const TEXT = { paint: PAINT, width: 80, rows: 20 };
const fixture = (path: string): Buffer => {
  const at = join(FIXTURES, path);
  const name = readdirSync(at).find((one) => /profile$|samples$|log\.json$/.test(one))!;
  return readFileSync(join(at, name));
};
const json = (...contents: (Buffer | string | Uint8Array)[]) =>
  contents.map((content) => ({ content: Buffer.from(content as string), isJson: true }));
const bytes = (...contents: (Buffer | string | Uint8Array)[]) =>
  contents.map((content) => ({ content: Buffer.from(content as string), isJson: false }));
const written = (id: string, profile: Profile) => exporters.find((one) => one.id === id)!.write(profile);

const STACKS = [
  ['main;render;parse', 1000],
  ['(idle)', 3000],
  ['main;render', 2000],
  ['(garbage collector)', 10],
] as const;
const cpu = profileOf([threadOf(STACKS), threadOf(STACKS, 'worker 2')]);
const memory = profileOf([threadOf([['main;load', 5000]])], { unit: 'bytes', kind: 'in-use-space' });

function profile(folder: string, content: Buffer, random: Chance): void {
  const file = write(folder, 'a.profile', content);
  const read = readProfile(file);
  const table = tableOf(read, random.pick(['function', 'file', 'package', 'category', 'line']));
  if (!Number.isFinite(table.all)) throw new Error('its whole weight is no number');
  diffOf(read, read, 'function');
  for (const thread of read.threads) {
    totalOf(thread);
    treeText(thread, read.unit, TEXT);
  }
  const { write: writeIt } = random.pick(exporters.filter(({ id }) => id !== 'html'));
  writeIt(read);
}

function recording(folder: string): void {
  const family = readFamily(folder);
  const report = buildReport(family.recordings, family.unreadable);
  textReport(report, family.recordings, { paint: PAINT, width: 80 });
  traceEvents(family.recordings, []);
}

const ROWS = ndjson([header, ...SICK_ROWS]);
const CHILD = ndjson([{ ...header, pid: 9, parentPid: header.pid }, ...SICK_ROWS.slice(0, 5)]);
const DOCTOR = join(FIXTURES, 'clinic-doctor/32375.clinic-doctor');
const doctorFile = (what: string): Buffer => readFileSync(join(DOCTOR, `32375.clinic-doctor-${what}`));

function doctor(what: string) {
  return (folder: string, content: Buffer): void => {
    const name = join(folder, '32375.clinic-doctor');
    for (const one of ['systeminfo', 'processstat', 'traceevent'])
      write(name, `32375.clinic-doctor-${one}`, one === what ? content : doctorFile(one));
    recording(name);
  };
}

const SNAPSHOT = {
  snapshot: {
    meta: {
      node_fields: ['type', 'name', 'id', 'self_size', 'edge_count'],
      node_types: [['hidden', 'object', 'closure'], 'string', 'number', 'number', 'number'],
      edge_fields: ['type', 'name_or_index', 'to_node'],
      edge_types: [['context', 'element', 'property', 'weak'], 'string_or_number', 'node'],
      location_fields: ['object_index', 'script_id', 'line', 'column'],
    },
    node_count: 3,
    edge_count: 3,
  },
  ...{
    nodes: [0, 0, 1, 0, 2, 1, 1, 3, 16, 1, 2, 2, 5, 32, 0],
    edges: [2, 1, 5, 1, 0, 10, 0, 2, 10],
    locations: [10, 1, 2, 3],
  },
  strings: ['', 'holder \\ "x"', 'kept'],
};
const MAP = {
  version: 3,
  sources: ['a.ts', '../b.ts'],
  names: ['f'],
  mappings: 'AAAA,SAASA;AACT,CCDC',
  sourcesContent: ['x', null],
};
const DUMP = {
  schema: 'evdiag-dump/2',
  threads: [
    {
      threadId: 0,
      suspended: {
        calls: [
          {
            ...functionOf('wait'),
            count: 3,
            awaits: 'fetch(url)',
            awaitedBy: [functionOf('main')],
            settledBy: { kind: 'timer' },
          },
        ],
      },
    },
    { threadId: 4, suspended: null },
  ],
};
const EVENTED = {
  shared: { frames: [{ name: 'a', file: '/a.js', line: 1 }, { name: 'b' }] },
  profiles: [
    {
      type: 'evented',
      name: 't',
      unit: 'milliseconds',
      startValue: 0,
      endValue: 9,
      events: [
        [0, 0],
        [1, 1],
        [1, 4],
        [0, 9],
      ].map(([frame, at], i) => ({ type: i < 2 ? 'O' : 'C', frame, at })),
    },
  ],
};
const HEAD = {
  callFrame: { functionName: 'f', url: '/a.js', lineNumber: 1, columnNumber: 1 },
  selfSize: 9,
  children: [],
};

export const READERS: readonly FuzzedReader[] = [
  {
    name: 'recording',
    seeds: bytes(ROWS),
    read(folder, content) {
      write(folder, 'recording.ndjson', content);
      recording(folder);
    },
  },
  {
    name: 'rows of a recording',
    seeds: json(JSON.stringify([header, ...SICK_ROWS])),
    read(folder, content) {
      const rows: unknown = parsed(content);
      write(
        folder,
        'recording.ndjson',
        Buffer.from(Array.isArray(rows) ? ndjson(rows.map((row) => JSON.stringify(row))) : content),
      );
      recording(folder);
    },
  },
  {
    name: 'family',
    seeds: bytes(CHILD),
    read(folder, content) {
      const family = join(folder, '20260102-030405-1');
      write(join(family, 'main-1'), 'recording.ndjson', Buffer.from(ROWS));
      write(join(family, 'main-9'), 'recording.ndjson', content);
      recording(folder);
    },
  },
  {
    name: 'events and findings of a replay',
    seeds: json(JSON.stringify([header, ...SICK_ROWS])),
    read(folder, content) {
      const rows: unknown = parsed(content);
      write(
        folder,
        'recording.ndjson',
        Buffer.from(Array.isArray(rows) ? ndjson(rows.map((row) => JSON.stringify(row))) : content),
      );
      replayOf(readFamily(folder));
    },
  },
  { name: 'clinic doctor: system', seeds: json(doctorFile('systeminfo')), read: doctor('systeminfo') },
  {
    name: 'clinic doctor: samples',
    seeds: bytes(doctorFile('processstat').subarray(0, 3000)),
    read: doctor('processstat'),
  },
  {
    name: 'clinic doctor: trace',
    seeds: bytes(doctorFile('traceevent').subarray(0, 20_000)),
    read: doctor('traceevent'),
  },
  { name: '.cpuprofile', seeds: json(fixture('bun'), fixture('deno'), written('cpuprofile', cpu)), read: profile },
  { name: '.cpuprofile of v8-profiler', seeds: json(fixture('v8-profiler')), read: profile },
  {
    name: '.heapprofile',
    seeds: json(written('heapprofile', memory), JSON.stringify({ head: { ...HEAD, children: [HEAD] } })),
    read: profile,
  },
  { name: 'pprof', seeds: bytes(written('pprof', cpu), ...unzipped(written('pprof', memory))), read: profile },
  {
    name: 'pprof, gzipped',
    seeds: bytes(...unzipped(written('pprof', cpu))),
    read: (folder, content, random) => profile(folder, gzipSync(content), random),
  },
  { name: 'speedscope', seeds: json(written('speedscope', cpu), JSON.stringify(EVENTED)), read: profile },
  {
    name: 'collapsed stacks',
    seeds: bytes(written('collapsed', cpu), '# x\na;b (/srv/a.js:1:2) 12\n\nc 1.5\n'),
    read: profile,
  },
  { name: 'dump', seeds: json(JSON.stringify(DUMP)), read: profile },
  { name: 'V8 log', seeds: json(smallLog()), read: profile },
  {
    name: 'ticks',
    seeds: json(JSON.stringify(JSON.parse(fixture('clinic-flame/28073.clinic-flame').toString()).slice(0, 20))),
    read: profile,
  },
  {
    name: 'heap snapshot',
    seeds: json(JSON.stringify(SNAPSHOT)),
    async read(folder, content) {
      dominators(await readSnapshot(write(folder, 'a.heapsnapshot', content)));
    },
  },
  {
    name: 'source map',
    seeds: json(JSON.stringify(MAP)),
    read(folder, content, random) {
      const isInline = random.below(2) === 0;
      const url = isInline ? `data:application/json;base64,${content.toString('base64')}` : 'a.js.map';
      write(folder, 'a.js.map', content);
      const file = write(folder, 'a.js', Buffer.from(`f();\n//# sourceMappingURL=${url}`));
      const map = createFrameMapper();
      for (const line of [0, 1, 2, 2 ** 31, 1.5]) map(['f', file, line, random.pick([0, 1, 9, 2 ** 53])]);
    },
  },
];

function smallLog(): string {
  const log = JSON.parse(readFileSync(join(FIXTURES, 'v8-log/node-26.log.json'), 'utf8'));
  return JSON.stringify({ ...log, ticks: log.ticks.slice(0, 20) });
}

function unzipped(gzipped: string | Uint8Array): Buffer[] {
  return [gunzipSync(gzipped)];
}

function parsed(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString());
  } catch {
    return null;
  }
}

function write(folder: string, name: string, content: Buffer): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

/** What an input has left goes before the next one. */
export function emptied(folder: string): string {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  return folder;
}
