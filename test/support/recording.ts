/** Small synthetic recordings. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { findingOf } from '../../src/detectors/finding.ts';
import { judge } from '../../src/detectors/judge.ts';
import type { Detector, Finding, Outcome, Severity } from '../../src/detectors/types.ts';
import type {
  AllocationSite,
  ChainKind,
  ConnectionsEntry,
  DeepSampleStack,
  Frame,
  Header,
  HttpPool,
  Location,
  LookupsEntry,
  Recording,
  Row,
  RowOf,
  RowType,
  UnfinishedEntry,
  UnfinishedRow,
  UpstreamsEntry,
  WaitingGroup,
} from '../../src/recording/types.ts';

export const header: Header = {
  t: 0,
  type: 'header',
  format: 'evdiag-recording',
  major: 1,
  minor: 0,
  evdiagVersion: '0.1.0',
  nodeVersion: 'v20.11.0',
  v8Version: '11.3',
  libuvVersion: '1.46.0',
  pid: 100,
  parentPid: 1,
  threadId: 0,
  argv: ['/usr/bin/node', '/srv/app.js'],
  startedAt: '2026-01-02T03:04:05.000Z',
  startMonotonicMs: 1000,
  level: 'diagnose',
  slowMs: 100,
  samplers: ['cpu', 'event-loop-delay'],
  platform: 'linux',
  arch: 'x64',
  cpuCount: 4,
  containerCpus: null,
  containerMemoryBytes: null,
};

export const location: Location = { file: '/srv/app.js', line: 12, column: 3, function: 'handler' };

export function stall(fields: Partial<RowOf<'stall'>> = {}): RowOf<'stall'> {
  const place = fields.location === undefined ? location : fields.location;
  const frames = place === null ? [] : [{ ...place, category: 'application' as const }];
  const kind = fields.kind ?? 'sync-fs';
  const durationMs = fields.durationMs ?? 400;
  return {
    t: 1900,
    type: 'stall',
    id: 1,
    startMs: 1500,
    durationMs,
    kind,
    location: place,
    stacks: [{ weightMs: durationMs, kind, frames, location: place }],
    cpuMs: durationMs,
    runQueueMs: 0,
    gcMs: 0,
    startup: false,
    debugger: false,
    waiting: 3,
    chain: null,
    confidence: 0.9,
    ...fields,
  };
}

export function cpu(fields: Partial<RowOf<'cpu'>> = {}): RowOf<'cpu'> {
  return {
    t: 1000,
    type: 'cpu',
    intervalMs: 1000,
    userMs: 100,
    systemMs: 0,
    mainThreadMs: 100,
    runQueueMs: 0,
    ...fields,
  };
}

export function utilization(utilization: number, t = 1000): RowOf<'event-loop-utilization'> {
  return {
    t,
    type: 'event-loop-utilization',
    utilization,
    activeMs: 1000 * utilization,
    idleMs: 1000 * (1 - utilization),
  };
}

export function delayRow(maxMs: number, t = 1000): RowOf<'event-loop-delay'> {
  return {
    t,
    type: 'event-loop-delay',
    count: 100,
    meanMs: 1,
    p50Ms: 1,
    p90Ms: 2,
    p99Ms: 3,
    maxMs,
    heartbeatMaxMs: maxMs,
  };
}

export function agentCost(fields: Partial<RowOf<'agent-cost'>> = {}): RowOf<'agent-cost'> {
  return {
    t: 1000,
    type: 'agent-cost',
    intervalMs: 1000,
    mainThreadMs: 5,
    watchdogMs: 20,
    stacks: 0,
    recordingBytes: 100,
    ...fields,
  };
}

export function gc(fields: Partial<RowOf<'gc'>> = {}): RowOf<'gc'> {
  return {
    t: 1000,
    type: 'gc',
    observedMs: 1000,
    count: 10,
    totalMs: 10,
    maxMs: 1,
    majorCount: 0,
    majorMs: 0,
    ...fields,
  };
}

/** A call that waits `count` times for `ms`, in a loop. */
export function serial(count: number, ms: number, t = 2000): RowOf<'serial'> {
  const times = { count, waitedMs: count * ms };
  const step = { location, code: 'user(id)', ...times, pauses: 0, longest: { ...times, maxMs: ms } };
  const entry = { location, callers: [], runs: 1, atOnce: 1, steps: [step] };
  return { t, type: 'serial', trackedMs: t, entries: [{ ...entry, independent: [{ kind: 'loop', steps: [0] }] }] };
}

/** A line that opens a connection for each of 100 requests. */
export function connections(fields: Partial<ConnectionsEntry> = {}, t = 2000): RowOf<'connections'> {
  const counts = { requests: 100, opened: 100, avoidable: 99, reasons: { client: 99, off: 0, close: 0 } };
  const entry = {
    origin: 'http://shop:80',
    location,
    callers: [],
    ...counts,
    spanMs: 5000,
    connectMs: 4,
    requestMs: 20,
  };
  return { t, type: 'connections', trackedMs: t, entries: [{ ...entry, ...fields }] };
}

/** A name that is looked up 100 times. */
export function lookups(fields: Partial<LookupsEntry> = {}, t = 2000): RowOf<'lookups'> {
  const counts = { count: 100, repeated: 99, totalMs: 800, maxMs: 20, spanMs: 5000 };
  const entry = { name: 'shop', api: 'lookup', location, callers: [], ...counts, ...fields };
  return { t, type: 'lookups', trackedMs: t, entries: [entry] };
}

/** What one service is asked for, row by row: half of its answers took so long. */
export function upstreams(
  medians: readonly number[],
  fields: Partial<UpstreamsEntry> = {},
  more: Partial<RowOf<'upstreams'>> = {},
): RowOf<'upstreams'>[] {
  const entry = { origin: 'http://prices:80', operation: 'GET /prices/:id', location, callers: [], answers: 10 };
  return medians.map((medianMs, i) => {
    const t = 1000 * (i + 1);
    const entries = [{ ...entry, medianMs, ...fields }];
    return { t, type: 'upstreams', trackedMs: t, seenMs: 1000, entries, ...more };
  });
}

const MB = 1e6;

/** A second with a major collection for each of these sizes, in MB, that the heap has after it; from 2 s on. */
export function collections(oldMb: readonly number[], fields: SecondFields & { externalMb?: readonly number[] } = {}) {
  const { externalMb = oldMb.map(() => 2), ...rest } = fields;
  return oldMb.flatMap((old, i) => {
    const t = 2000 + 1000 * i;
    const afterMajor = { oldBytes: old * MB, externalBytes: externalMb[i]! * MB };
    const rows = second(t, { ...rest, without: [...(rest.without ?? []), 'gc'] });
    return [...rows, gc({ t, majorCount: 1, majorMs: 5, afterMajor })];
  });
}

/** What was sampled since second 2 and is alive. */
export function allocations(sites: Partial<AllocationSite>[], fields: Partial<RowOf<'allocations'>> = {}): Row {
  const all = sites.map((site) => {
    const aliveBytes = site.aliveBytes ?? 8 * MB;
    return { location, line: null, aliveBytes, olderBytes: aliveBytes / 2, samples: 60, ...site };
  });
  const aliveBytes = all.reduce((sum, site) => sum + site.aliveBytes, 0);
  const about = { sinceMs: 2000, intervalBytes: 131072, aliveBytes, tookMs: 20, file: null };
  return { t: 9000, type: 'allocations', ...about, sites: all, ...fields };
}

/** What a second was like; all but the rows named in `without` are written. */
export interface SecondFields {
  utilization?: number;
  /** Mean time between two turns of the loop. */
  turnMs?: number;
  p99Ms?: number;
  /** Time on a core, and time without one. */
  cpuMs?: number;
  runQueueMs?: number;
  /** Time in collections, and the longest of them. */
  gcMs?: number;
  gcMaxMs?: number;
  heapUsedBytes?: number;
  /** Servers, sockets and timers that wait. */
  waiting?: number;
  timers?: number;
  turns?: number;
  events?: number;
  without?: readonly RowType[];
}

/** The rows that the samplers write at the end of one second; by default one in which little happened. */
export function second(t: number, fields: SecondFields = {}): Row[] {
  const { utilization: busy = 0.1, turnMs = 11, p99Ms = 12, timers = 2, turns = 200, events = 200 } = fields;
  const cpuMs = fields.cpuMs ?? 1000 * busy;
  const rows: Row[] = [
    utilization(busy, t),
    { ...delayRow(turnMs, t), meanMs: turnMs, p99Ms },
    cpu({ t, userMs: cpuMs, mainThreadMs: cpuMs, runQueueMs: fields.runQueueMs ?? 0 }),
    gc({ t, totalMs: fields.gcMs ?? 10, maxMs: fields.gcMaxMs ?? 1 }),
    memory({ t, heapUsedBytes: fields.heapUsedBytes ?? 20e6 }),
    { t, type: 'active-resources', total: timers, counts: { Timeout: timers }, waiting: fields.waiting ?? 3 },
    { t, type: 'loop-turns', intervalMs: 1000, turns, events },
  ];
  return rows.filter(({ type }) => !fields.without?.includes(type));
}

/** So many seconds; the first begins when start-up is over. */
export function seconds(count: number, fields: SecondFields = {}, firstMs = 2000): Row[] {
  return Array.from({ length: count }, (_, i) => second(firstMs + 1000 * i, fields)).flat();
}

export function memory(fields: Partial<RowOf<'memory'>> = {}): RowOf<'memory'> {
  const bytes = { rssBytes: 60e6, heapUsedBytes: 20e6, heapTotalBytes: 30e6, heapLimitBytes: 2e9 };
  return { t: 1000, type: 'memory', ...bytes, externalBytes: 1e6, arrayBuffersBytes: 1e5, spaces: {}, ...fields };
}

/** A frame of the user's own code. */
export function frame(name: string, line = 12, fields: Partial<Frame> = {}): Frame {
  return { file: '/srv/app.js', line, column: 3, function: name, category: 'application', ...fields };
}

/** Equal stacks, innermost frame first. */
export function sampled(count: number, frames: Frame[], caller: ChainKind = 'callbacks'): DeepSampleStack {
  return { count, frames, caller };
}

/** What the hooks counted in 100 ms, all of them on a core. */
export function created(
  fields: Partial<NonNullable<RowOf<'deep-sample'>['created']>> = {},
): RowOf<'deep-sample'>['created'] {
  return { wallMs: 100, cpuMs: 100, promises: 100, resources: [], ...fields };
}

/** A deep sample of a busy loop: 100 stacks of `handler`, each of another callback. */
export function deepSample(fields: Partial<RowOf<'deep-sample'>> = {}): RowOf<'deep-sample'> {
  return {
    t: 5500,
    type: 'deep-sample',
    reasons: ['utilization'],
    startMs: 3500,
    durationMs: 2000,
    cpuMs: 1900,
    runQueueMs: 0,
    samples: 100,
    busySamples: 100,
    framelessSamples: 0,
    pairs: 90,
    turnedPairs: 90,
    pairMs: 20,
    stacks: [sampled(100, [frame('handler')])],
    deepest: null,
    created: created(),
    shortIntervals: [],
    allocations: null,
    waiting: 3,
    ...fields,
  };
}

/** So many things of one place: none is done, and the oldest is as old as the tracking. */
export function entry(fields: Partial<UnfinishedEntry> = {}): UnfinishedEntry {
  return {
    what: 'await',
    type: '',
    detail: '',
    via: [],
    location,
    callers: [],
    resumed: false,
    created: fields.alive ?? 10,
    ended: 0,
    lost: 0,
    alive: 10,
    peak: fields.alive ?? 10,
    referenced: fields.alive ?? 10,
    oldestMs: 2000,
    endedMaxMs: null,
    endedSinceOldest: 0,
    floating: 0,
    rejected: 0,
    madeBy: null,
    ...fields,
  };
}

export function unfinished(t: number, entries: UnfinishedEntry[], fields: Partial<UnfinishedRow> = {}): UnfinishedRow {
  const about = { intervalMs: 2000, promises: 1000, aborts: 0, inbound: 0, dropped: 0 };
  return { t, type: 'unfinished', trackedMs: t, ...about, entries, ...fields };
}

export function transfers(t: number, fields: Partial<RowOf<'transfers'>> = {}): RowOf<'transfers'> {
  return { t, type: 'transfers', intervalMs: 1000, files: [], flushes: 0, streams: [], messages: [], ...fields };
}

type PerRow = (n: number, t: number) => Partial<UnfinishedEntry>;

/** A row every 2 s, with an entry for each function, which gets the number of the row (from 1) and its time. */
export function tracked(rows: number, ...entries: PerRow[]): UnfinishedRow[] {
  return Array.from({ length: rows }, (_, i) => {
    const t = 2000 * (i + 1);
    return unfinished(
      t,
      entries.map((fields) => entry({ oldestMs: t - 100, ...fields(i + 1, t) })),
    );
  });
}

/** Calls that wait in a chain, innermost first, as `frame` makes them; codes by line. */
export interface Waiting {
  count: number;
  oldestMs?: number;
  estimated?: true;
  chain: Frame[];
  made?: WaitingGroup['made'];
}

/** With each row of `tracked`, from the second on. */
export function waits(
  rows: number,
  groups: Waiting[],
  codes: Record<number, string> = {},
  pools: HttpPool[] = [],
): RowOf<'waits'>[] {
  const frames = groups.flatMap(({ chain }) => chain);
  return Array.from({ length: rows - 1 }, (_, i) => {
    const t = 2000 * (i + 2);
    return {
      ...{ t, type: 'waits', trackedMs: t, frames, codes: frames.map(({ line }) => codes[line] ?? ''), pools },
      groups: groups.map(({ count, oldestMs = t - 100, chain, made = null, ...more }) => ({
        ...{ count, oldestMs, made, ...more },
        chain: chain.map((one) => frames.indexOf(one)),
      })),
    };
  });
}

/** With so many connections from outside. */
export function withInbound(inbound: number, rows: readonly UnfinishedRow[]): UnfinishedRow[] {
  return rows.map((row) => ({ ...row, inbound }));
}

/** Shapes of healthy programs, as fields of an entry: for each rule that looks for growth. */
export const HEALTHY_SHAPES: Record<string, PerRow> = {
  'warm-up: all of them at first': () => ({ alive: 600 }),
  'a plateau after a rise': (n) => ({ alive: Math.min(600, 300 * n) }),
  'a sawtooth': (n, t) => ({ alive: n % 3 === 0 ? 5 : 300 * (n % 3), created: 300 * n, oldestMs: t % 6000 }),
  'as many end as begin': (n) => ({ alive: 500 + n, created: 1000 * n, ended: 999 * n }),
  'more load, and all end soon': (n) => ({ alive: 300 * n, created: 3000 * n, ended: 2700 * n, oldestMs: 300 }),
  'more load, and all end after a while': (n) => ({ alive: 300 * n, created: 400 * n, ended: 100 * n, oldestMs: 1500 }),
  'long polls that end': (n) => ({ alive: 600, created: 1000 * n, ended: 1000 * n - 600, oldestMs: 1900 }),
  few: (n) => ({ alive: Math.min(n, 7) }),
  'a crowd that varies a little': (n) => ({ alive: 1000 + 3 * n, created: 1000 + 3 * n }),
};

/** The rows as a recorder of format 1.0 wrote them: it took no deep samples, and knew less of what it saw. */
export function asOldFormat(rows: readonly Row[]): Row[] {
  const newer: readonly RowType[] = ['deep-sample', 'loop-turns', 'trigger', 'threads', 'level'];
  return rows
    .filter(({ type }) => !newer.includes(type))
    .map((row) => {
      const { chain: _chain, observedMs: _observedMs, ...old } = row as Row & { chain?: unknown; observedMs?: unknown };
      if (old.type === 'active-resources' || old.type === 'stall-open') delete old.waiting;
      return old as Row;
    });
}

/** A recording in memory, as the reader would give it. */
export function recordingOf(rows: Row[], head: Partial<Header> = {}): Recording {
  return {
    header: { ...header, ...head },
    rows,
    durationMs: rows.at(-1)?.t ?? 0,
    droppedRows: 0,
    skippedLines: 0,
    truncated: false,
    path: null,
  };
}

/** A warning that `handler` does something, as any rule may say it. */
export function findingWith(fields: Partial<Finding> = {}): Finding {
  const rule = fields.rule ?? 'blocked-event-loop';
  const about = { kind: '', message: `The ${rule}.`, location, count: 1, confidence: 1, evidence: {} };
  const kindless = { id: rule, kinds: [], remedy: 'Change it.' };
  return { ...findingOf<object>(kindless, { severity: 'warning', lostMs: 1000, ...about }), ...fields };
}

/** Nothing where the rule cannot tell. */
export function foundIn<E extends object>(detector: Detector<E>, recording: Recording): Finding<E>[] {
  const found = detector.detect(recording);
  return 'noData' in found ? [] : found;
}

/** What a detector says of these rows. */
export function find<E extends object>(detector: Detector<E>, rows: Row[], head: Partial<Header> = {}): Finding<E>[] {
  return foundIn(detector, recordingOf(rows, head));
}

export function severities(detector: Detector, rows: Row[], head: Partial<Header> = {}): Severity[] {
  return find(detector, rows, head).map(({ severity }) => severity);
}

export function outcome(detector: Detector, rows: Row[]): Outcome {
  return judge(recordingOf(rows), [detector]).rules[0]!.outcome;
}

/** The text of a recording file. */
export function ndjson(lines: readonly unknown[]): string {
  return lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');
}

/** A folder that is removed after the test, with these files in it. */
export function tempFolder(files: Record<string, string | Buffer> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'evdiag-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}
