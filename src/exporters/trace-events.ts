/**
 * A timeline that ui.perfetto.dev and chrome://tracing open.
 * Format: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU (Trace Event Format).
 */
import type { Frame, Header, Location, Recording, Row, StallRow, UnfinishedEntry } from '../recording/types.ts';
import { stripControl } from '../util/text.ts';

/** A thing to mark: times in ms since the recording of that thread began. */
export interface TraceMarker {
  pid: number;
  threadId: number;
  atMs: number;
  name: string;
  args: Record<string, unknown>;
}

/** One event; times in µs since the first recording began. */
export interface TraceEvent {
  ph: 'M' | 'X' | 'C' | 'i' | 'b' | 'n' | 'e';
  name: string;
  cat?: string;
  pid: number;
  tid: number;
  ts?: number;
  dur?: number;
  id?: string;
  s?: 't' | 'p';
  args?: Record<string, unknown>;
}

export interface Trace {
  events: TraceEvent[];
  /** Events there was no room for: of the rows, every second, third … was left out. */
  dropped: number;
}

/** The viewers take some 200 bytes of text and 1 kB of memory for each. */
export const MAX_EVENTS = 300_000;
const MAX_FRAMES = 40;
const MAX_NAME = 200;
/** Of these rows, a part tells the course of a long recording as well. */
const SERIES: ReadonlySet<Row['type']> = new Set([
  'active-resources',
  'cpu',
  'event-loop-delay',
  'event-loop-utilization',
  'gc',
  'loop-turns',
  'memory',
  'threads',
  'unfinished',
]);

/** Threads side by side: what blocked, with its stacks; looks; what never finished; figures by second; markers. */
export function traceEvents(
  recordings: readonly Recording[],
  markers: readonly TraceMarker[],
  maxEvents = MAX_EVENTS,
): Trace {
  const zeroMs = Math.min(...recordings.map(({ header }) => header.startMonotonicMs));
  const names = recordings.flatMap(({ header }) => namesOf(header));
  const spent = names.length + markers.length;
  const most = recordings.reduce((sum, { rows }) => sum + rows.length, 0);
  for (let stride = 1; ; stride *= 2) {
    const events = recordings.flatMap((recording) => eventsOf(recording, stride, zeroMs));
    // Nothing is left to thin out: then the last ones go.
    const isLast = stride > most;
    if (spent + events.length > maxEvents && !isLast) continue;
    const kept = events.slice(0, Math.max(0, maxEvents - spent));
    const all = stride === 1 ? events.length : countOf(recordings, zeroMs);
    const marks = markers.flatMap((marker) => toMark(marker, recordings, zeroMs));
    return { events: [...names, ...kept, ...marks], dropped: all - kept.length };
  }
}

function countOf(recordings: readonly Recording[], zeroMs: number): number {
  return recordings.reduce((sum, recording) => sum + eventsOf(recording, 1, zeroMs).length, 0);
}

function namesOf({ pid, threadId, argv }: Header): TraceEvent[] {
  const meta = (name: string, args: Record<string, unknown>): TraceEvent => ({
    ph: 'M',
    name,
    pid,
    tid: threadId,
    args,
  });
  const command = argv.map((word) => word.split(/[\\/]/).at(-1)).join(' ');
  return [
    ...(threadId === 0 ? [meta('process_name', { name: clean(command) })] : []),
    meta('thread_name', { name: threadId === 0 ? 'main thread' : `worker ${threadId}` }),
    meta('thread_sort_index', { sort_index: threadId }),
  ];
}

function eventsOf({ header, rows, durationMs }: Recording, stride: number, zeroMs: number): TraceEvent[] {
  const { pid, threadId } = header;
  const offsetMs = header.startMonotonicMs - zeroMs;
  const at = (ms: number): number => Math.round((offsetMs + ms) * 1000);
  const seen = new Map<string, number>();
  const events: TraceEvent[] = [];
  const add = (event: Omit<TraceEvent, 'pid' | 'tid'>): void => {
    events.push({ ...event, name: clean(event.name), pid, tid: threadId });
  };
  const suffix = threadId === 0 ? '' : ` (worker ${threadId})`;
  const count = (t: number, name: string, args: Record<string, number>): void =>
    add({ ph: 'C', name: `${name}${suffix}`, ts: at(t), args });
  const instant = (t: number, name: string, args: Record<string, unknown>): void =>
    add({ ph: 'i', s: 't', cat: 'event', name, ts: at(t), args });
  const async = createAsyncLanes(add, at, `${pid}.${threadId}`);

  for (const row of rows) {
    const nth = seen.get(row.type) ?? 0;
    seen.set(row.type, nth + 1);
    if (SERIES.has(row.type) && nth % stride !== 0) continue;
    switch (row.type) {
      case 'stall':
        for (const event of stallEvents(row, at)) add(event);
        break;
      case 'look': {
        const { startMs, durationMs: ms, reasons, samples, busySamples } = row;
        const args = { reasons, samples, busySamples };
        add({
          ph: 'b',
          cat: 'look',
          id: `look.${pid}.${threadId}.${startMs}`,
          name: 'closer look',
          ts: at(startMs),
          args,
        });
        add({
          ph: 'e',
          cat: 'look',
          id: `look.${pid}.${threadId}.${startMs}`,
          name: 'closer look',
          ts: at(startMs + ms),
        });
        break;
      }
      case 'unfinished':
        for (const entry of row.entries) async.see(row.t, entry);
        break;
      case 'rejection':
        instant(row.t, `unhandled rejection: ${row.error}`, {
          count: row.count,
          kind: row.kind,
          at: placeText(row.call ?? row.location),
        });
        break;
      case 'orphans':
        instant(row.t, 'Promise.all failed, others run on', { pending: row.pending, at: placeText(row.location) });
        break;
      case 'aborted':
        instant(row.t, 'aborted', { leftovers: row.leftovers.length, at: placeText(row.scope ?? row.abortedAt) });
        break;
      case 'level':
        instant(row.t, `level ${row.level}`, {});
        break;
      case 'dropped':
        instant(row.t, 'rows were dropped', { rows: row.rows, why: row.why });
        break;
      case 'agent-error':
        instant(row.t, 'the agent failed', { message: clean(row.message) });
        break;
      case 'end':
        instant(row.t, 'end', { reason: row.reason, exitCode: row.exitCode, signal: row.signal });
        break;
      default: {
        const figures = figuresOf(row);
        for (const [name, args] of figures) count(row.t, name, args);
      }
    }
  }
  async.end(durationMs);
  return events;
}

/** The counters of a row: name and values. */
function figuresOf(row: Row): [string, Record<string, number>][] {
  switch (row.type) {
    case 'event-loop-delay':
      return [['event loop delay (ms)', { p50: row.p50Ms, p99: row.p99Ms, max: row.maxMs }]];
    case 'event-loop-utilization':
      return [['utilization (%)', { busy: Math.round(row.utilization * 100) }]];
    case 'cpu':
      return [
        [
          'CPU (% of a core)',
          { process: Math.round((100 * (row.userMs + row.systemMs)) / Math.max(1, row.intervalMs)) },
        ],
      ];
    case 'memory':
      return [
        ['heap (MB)', { used: mb(row.heapUsedBytes) }],
        ['memory (MB)', { resident: mb(row.rssBytes), external: mb(row.externalBytes) }],
      ];
    case 'gc':
      return [
        ['garbage collection (ms a second)', { major: row.majorMs, minor: Math.max(0, row.totalMs - row.majorMs) }],
      ];
    case 'active-resources':
      return [['handles', { total: row.total }]];
    case 'loop-turns':
      return [['loop turns', { turns: row.turns }]];
    case 'threads':
      return [['worker threads', { alive: row.alive }]];
    default:
      return [];
  }
}

const mb = (bytes: number): number => Math.round(bytes / 1e5) / 10;

/** The stall as one slice, below it its stacks one after the other, outermost frame first. */
function stallEvents(stall: StallRow, at: (ms: number) => number): Omit<TraceEvent, 'pid' | 'tid'>[] {
  const { startMs, durationMs, kind, location, stacks, cpuMs, gcMs, confidence, startup } = stall;
  const cat = 'stall';
  const events: Omit<TraceEvent, 'pid' | 'tid'>[] = [
    {
      ph: 'X',
      cat,
      name: `blocked by ${kind}${location ? ` in ${location.function || '(anonymous)'}` : ''}`,
      ts: at(startMs),
      dur: Math.round(durationMs * 1000),
      args: { at: placeText(location), cpuMs, gcMs, confidence, startup },
    },
  ];
  const weight = stacks.reduce((sum, { weightMs }) => sum + weightMs, 0);
  // What the stacks stand for is no more than the stall.
  const scale = weight > durationMs ? durationMs / weight : 1;
  let from = startMs;
  for (const { weightMs, frames } of stacks) {
    const to = from + weightMs * scale;
    const shown = frames.filter(({ function: name, file }) => name !== '' || file !== '').slice(0, MAX_FRAMES);
    for (const frame of shown.reverse()) {
      const dur = Math.max(1, at(to) - at(from));
      events.push({ ph: 'X', cat, name: frameName(frame), ts: at(from), dur, args: { at: placeText(frame) } });
    }
    from = to;
  }
  return events;
}

function frameName({ function: name, file }: Frame): string {
  return name || (file ? `(anonymous) ${file.split(/[\\/]/).at(-1)}` : '(anonymous)');
}

/** One lane for each place whose calls were seen waiting, from the oldest to when the last was gone. */
function createAsyncLanes(
  add: (event: Omit<TraceEvent, 'pid' | 'tid'>) => void,
  at: (ms: number) => number,
  owner: string,
) {
  const open = new Map<string, { t: number; name: string }>();
  const close = (id: string, t: number): void => {
    add({ ph: 'e', cat: 'async', id: `${owner}.${id}`, name: open.get(id)!.name, ts: at(t) });
    open.delete(id);
  };
  return {
    see(t: number, entry: UnfinishedEntry): void {
      const { what, type, alive, oldestMs, location, created, ended, code } = entry;
      const id = `${what} ${type} ${placeText(location)}`;
      const isOpen = open.get(id);
      if (alive === 0) {
        if (isOpen) close(id, t);
        return;
      }
      const name = isOpen?.name ?? [what, what === 'await' ? code : type, location?.function].filter(Boolean).join(' ');
      const common = { cat: 'async', id: `${owner}.${id}`, name };
      if (!isOpen) add({ ...common, ph: 'b', ts: at(Math.max(0, t - oldestMs)), args: { at: placeText(location) } });
      add({ ...common, ph: 'n', ts: at(t), args: { alive, created, ended, oldestMs: Math.round(oldestMs) } });
      open.set(id, { t, name });
    },
    end(t: number): void {
      for (const id of [...open.keys()]) close(id, t);
    },
  };
}

function toMark(
  { pid, threadId, atMs, name, args }: TraceMarker,
  recordings: readonly Recording[],
  zeroMs: number,
): TraceEvent[] {
  const of = recordings.find(({ header }) => header.pid === pid && header.threadId === threadId);
  if (!of) return [];
  const ts = Math.round((of.header.startMonotonicMs - zeroMs + atMs) * 1000);
  return [{ ph: 'i', s: 'p', cat: 'finding', name: clean(name), pid, tid: threadId, ts, args }];
}

function placeText(location: Pick<Location, 'file' | 'line' | 'column'> | null): string {
  return location && location.file !== '' ? clean(`${location.file}:${location.line}:${location.column}`) : '';
}

function clean(text: string): string {
  return stripControl(text).slice(0, MAX_NAME);
}
