import { cpus } from 'node:os';
import { recordingFolder } from '../../src/recording/paths.ts';
import { createFrameMapper } from '../../src/recording/source-maps.ts';
import {
  type EndRow,
  FORMAT_MAJOR,
  FORMAT_MINOR,
  type Header,
  type Level,
  type Recording,
  type Row,
  type RowOf,
  type RowType,
} from '../../src/recording/types.ts';
import { openRecording, type RecordingWriter } from '../../src/recording/writer.ts';
import { redactArguments } from '../../src/util/redact.ts';
import { WITHOUT_INSPECTOR } from '../inspection.ts';
import { samplers } from '../samplers/index.ts';
import type { RunningSampler, SamplerContext } from '../samplers/types.ts';
import { readBeats } from '../shared-beats.ts';
import { Sum, WATCHDOG_READY, Word } from '../shared-memory.ts';
import { createDeepSamples } from './deep-sample/deep-samples.ts';
import { createKeptObjects } from './deep-sample/kept-objects.ts';
import { createInterrupts } from './interrupts.ts';
import { createLoadedMaps } from './loaded-maps.ts';
import { type CpuLimit, containerLimits } from './platform/container.ts';
import type { Pressure } from './platform/pressure.ts';
import { createStackCapture } from './platform/stack-capture.ts';
import { openThreadCpu } from './platform/thread-cpu.ts';
import { openThreadStat } from './platform/thread-stat.ts';
import { createProfileFiles } from './profile-files.ts';
import { createRecentStacks } from './recent/recent-stacks.ts';
import { openThreadState } from './recent/thread-state.ts';
import type { DumpableThread } from './socket/methods/types.ts';
import type { LiveStall } from './stall/live-log.ts';
import { createMarkedCalls } from './stall/marked-calls.ts';
import { StallWatch } from './stall/stalls.ts';
import type { Storage } from './storage.ts';
import type { SampleMessage, ThreadData, WatchdogData } from './types.ts';
import { createUnfinished } from './unfinished.ts';

declare const EVDIAG_VERSION: string;

/** Resources that take requests. */
const SERVERS = ['TCPServerWrap', 'PipeServerWrap', 'UDPWrap'];
/** How often the heartbeat is looked at, as a share of the threshold; each look wakes the thread (about 0.2 ms CPU). */
const TICK_SHARE = 0.5;
const TICK_MS = { least: 5, most: 50 };
/** During a silence, closer. */
const CLOSE_TICK_MS = 8;
const READ_INTERVAL_MS = 1000;
/** Rows of one type kept in memory for the summary at exit; the recording on disk has them all. Looks and unfinished ones are up to 40 kB each. */
const MAX_ROWS_IN_MEMORY = 2000;
const MAX_LARGE_IN_MEMORY = 60;
const LARGE: ReadonlySet<RowType> = new Set(['allocations', 'look', 'unfinished']);
const LEFT_OUT = 'the summary looks at the last ones only; the recording has them';
/** A worker thread gets a folder once it has lived this long, or stalls: thousands of short ones leave none. */
const WORKER_FOLDER_AFTER_MS = 2000;

export interface ObservationOptions {
  data: WatchdogData;
  storage: Storage;
  thread: ThreadData;
  level: Level;
  /** Asked once, before the recording is written. */
  mayWrite(): boolean;
  onLive(stall: LiveStall): void;
  onRow(threadId: number, row: Row): void;
  /** The agent itself failed at something. */
  onFailure(message: string): void;
  /** CPU limits around the process, and what the machine lacks; null where the platform does not tell. */
  cpuLimit(): CpuLimit | null;
  pressure(): Pressure | null;
}

export type Observation = ReturnType<typeof observe>;

/** Observes one thread: notices its stalls, takes closer looks, and writes its recording. */
export function observe({
  data,
  storage,
  thread,
  level,
  mayWrite,
  onLive,
  onRow,
  onFailure,
  cpuLimit,
  pressure,
}: ObservationOptions) {
  const { settings } = data;
  const { shared, beats, threadId } = thread;
  const histogram = 'counts' in beats ? readBeats(beats) : beats;
  const { control } = shared;
  const now = (): number => Number(process.hrtime.bigint()) / 1e6 - thread.startMonotonicMs;
  const header = headerOf(data, thread, level);
  const folder = recordingFolder(data.family, process.pid, threadId);
  const kept = new Map<RowType, Row[]>();
  let writer: RecordingWriter | null = null;
  let unwritten: Row[] | null = [];
  let lostInMemory = 0;
  let finished = false;

  const record = (row: Row, atOnce = false): void => {
    if (finished && row.type !== 'end') return;
    onRow(threadId, row);
    const rows = kept.get(row.type) ?? [];
    kept.set(row.type, rows);
    rows.push(row);
    if (rows.length > (LARGE.has(row.type) ? MAX_LARGE_IN_MEMORY : MAX_ROWS_IN_MEMORY)) {
      rows.shift();
      lostInMemory++;
    }
    if (unwritten && (threadId === 0 || row.type === 'stall-open' || now() > WORKER_FOLDER_AFTER_MS)) open();
    if (unwritten) unwritten.push(row);
    else writer?.write(row, atOnce);
  };
  const writtenFolder = (): string | null => (writer?.hasBegun() ? folder : null);
  const fail = (message: string): void => {
    record({ t: now(), type: 'agent-error', message });
    onFailure(message);
  };
  const open = (): void => {
    const rows = unwritten ?? [];
    unwritten = null;
    if (!mayWrite()) return;
    writer = openRecording(folder, header, settings.maxBytes, fail, storage);
    for (const row of rows) writer.write(row);
    writer.flush();
  };
  if (threadId === 0) open();

  const lostRows = (): RowOf<'dropped'>[] => {
    const lost = writer?.lost() ?? [];
    if (lostInMemory > 0) lost.push({ rows: lostInMemory, why: LEFT_OUT });
    return lost.map((one) => ({ t: now(), type: 'dropped', ...one }));
  };
  const rows = <T extends RowType>(type: T) => (kept.get(type) ?? []) as RowOf<T>[];
  const threadCpu = openThreadCpu(thread.nativeId);
  const threadStat = openThreadStat(thread.nativeId);
  const seenCpu = threadCpu() !== null;
  const interrupts = createInterrupts(thread, data.gate);
  const capture = createStackCapture(threadId, data.inspection, interrupts, (error) => {
    // Nobody can change it, so nobody is told but who reads the recording.
    if (data.inspection !== 'absent') fail(`no stacks: ${String((error as Error).message).split('\n')[0]}`);
  });
  const tickMs = Math.min(TICK_MS.most, Math.max(TICK_MS.least, settings.slowMs * TICK_SHARE));
  const maps = createLoadedMaps(capture);
  const marks = createMarkedCalls(shared);
  const mapFrame = createFrameMapper(maps.runText);
  // It reads the sources.
  const toFrame: typeof mapFrame = (raw) => storage.use(() => mapFrame(raw))!;
  const unfinishedRows = createUnfinished(toFrame);
  const keepFile = createProfileFiles(writtenFolder);
  const keptObjects = createKeptObjects({
    capture,
    toFrame,
    mapped: maps.mapped,
    now,
    record,
    rows,
    keepFile: (profile) => storage.use(() => keepFile(profile)) ?? null,
    // The end of a worker thread would wait for the session.
    always: threadId === 0,
  });
  const looks = createDeepSamples({
    kept: keptObjects,
    capture,
    toFrame,
    mapped: maps.mapped,
    now,
    level,
    record,
    rows,
    observedThread: threadCpu,
    track: (wanted) => void Atomics.store(control, Word.Track, wanted ? 1 : 0),
    debuggerAttached: () => Atomics.load(control, Word.Debugger) !== 0,
  });
  let hasServed = false;
  const stalls = new StallWatch({
    shared,
    histogram,
    slowMs: settings.slowMs,
    capture,
    toFrame,
    now,
    maps,
    marks,
    startMonotonicMs: thread.startMonotonicMs,
    isWorker: threadId !== 0,
    thread: { cpu: threadCpu, limit: cpuLimit, stat: threadStat, pressure },
    onOpen: (row) => keptObjects.caused(row.startMs) || record(row, true),
    onLive,
    onClose: (row) => keptObjects.caused(row.startMs) || record(row, true),
    hasServed() {
      hasServed ||= rows('active-resources').some(({ counts }) => SERVERS.some((name) => counts[name]));
      return hasServed;
    },
    waiting: () => rows('active-resources').at(-1)?.waiting ?? null,
  });

  const threadState = openThreadState(threadId === 0 ? thread.nativeId : null);
  // A session of its own, which stays. The end of a worker thread would wait for it.
  const recent =
    threadId === 0 && data.inspection === 'possible' && settings.recent
      ? createRecentStacks({
          shared,
          marks,
          histogram,
          capture: createStackCapture(threadId, data.inspection, interrupts, () => {}),
          now,
          startMonotonicMs: thread.startMonotonicMs,
          observedThread: threadCpu,
          state: threadState,
          utilization: () => rows('event-loop-utilization').at(-1)?.utilization ?? 1,
        })
      : null;

  let sampledMs = 0;
  let lastStackCount = 0;
  let lastStackMs = 0;
  // The watchdog's thread is one for all: the main thread's recording tells its cost.
  const ownThread = threadId === 0 ? openThreadCpu('self') : () => null;
  let lastOwnCpu = ownThread()?.cpuMs ?? null;
  const context: SamplerContext = {
    histogram,
    addGcMs: () => {},
    heartbeatMaxMs: () => stalls.heartbeatMaxMs(),
    observedThread: threadCpu,
    cpuLimit,
    ownCost() {
      const own = ownThread()?.cpuMs ?? null;
      const stacks = control[Word.StackCount]! - lastStackCount;
      const stackMs = shared.numbers[Sum.StackMs]! - lastStackMs;
      const cost = {
        mainThreadMs: sampledMs + stackMs,
        watchdogMs: own !== null && lastOwnCpu !== null ? own - lastOwnCpu : null,
        stacks,
        recordingBytes: writer?.bytesWritten() ?? 0,
      };
      sampledMs = 0;
      lastStackCount += stacks;
      lastStackMs += stackMs;
      lastOwnCpu = own;
      return cost;
    },
  };
  const running: RunningSampler[] = samplers
    .filter(({ thread: reader }) => reader === 'watchdog')
    .map((sampler) => sampler.start(context));

  const recordAll = (rows: readonly object[]): void => {
    for (const row of rows) record({ ...row, t: now() } as Row);
  };
  const readSamplers = (): void => stalls.acrossReset(readAll);
  const readAll = (): void => {
    for (const sampler of running) {
      try {
        const row = sampler.read();
        if (row) record({ ...row, t: now() } as Row);
      } catch (error) {
        fail(String(error).split('\n')[0] ?? '');
      }
    }
  };

  for (const message of threadId === 0 ? data.problems : []) record({ t: 0, type: 'agent-error', message });
  if (threadId === 0 && data.inspection === 'absent') {
    record({ t: now(), type: 'agent-error', message: `no stacks: ${WITHOUT_INSPECTOR.absent}` });
  }
  // A worker thread reads the environment, which does not tell of a level that was changed since.
  Atomics.store(control, Word.Diagnose, level === 'diagnose' ? 1 : 0);
  Atomics.store(control, Word.WatchdogState, WATCHDOG_READY);
  Atomics.notify(control, Word.WatchdogState);

  let lastReadAt = 0;
  const tracing: DumpableThread['tracing'] = { memory: null };
  return {
    threadId,
    control,
    header,
    /** What `evdiag dump` asks. */
    dumpable: {
      threadId,
      shared,
      capture,
      toFrame,
      maps,
      marks,
      sampling: keptObjects,
      clocks: { stat: threadStat, cpu: threadCpu },
      recent,
      tracing,
    } satisfies DumpableThread,
    folder: writtenFolder,
    record: (row: Row) => record(row),
    now,
    onSample({ rows, tracked, mainThreadMs, trace, maps: texts, addOnCalls, dropped }: SampleMessage): void {
      Atomics.add(control, Word.SamplesTaken, 1);
      if (dropped) record({ t: now(), type: 'dropped', rows: dropped, why: 'the agent was held up' });
      if (texts) maps.onMaps(texts);
      if (addOnCalls) marks.learn(addOnCalls);
      if (trace) tracing.memory = trace;
      sampledMs += mainThreadMs;
      recordAll(rows);
      if (tracked) maps.mapped(() => unfinishedRows(tracked), recordAll);
      looks.consider();
    },
    setLevel(next: Level): void {
      Atomics.store(control, Word.Diagnose, next === 'diagnose' ? 1 : 0);
      looks.setLevel(next);
      record({ t: now(), type: 'level', level: next }, true);
    },
    /** Returns how many ms later it wants to be called again. */
    tick(): number {
      const t = now();
      stalls.tick(t, stalls.isOpen() ? Math.min(CLOSE_TICK_MS, tickMs) : tickMs);
      maps.tick(!stalls.isOpen());
      // The histogram is not reset while a stall is open: its count is the heartbeat.
      if (t - lastReadAt >= READ_INTERVAL_MS && !stalls.isOpen()) {
        lastReadAt = t;
        readSamplers();
        writer?.flush();
      }
      const nextMs = recent?.tick(t, tickMs) ?? tickMs;
      return stalls.isOpen() ? Math.min(CLOSE_TICK_MS, nextMs) : nextMs;
    },
    /** Terminated threads say no goodbye: their CPU time can no longer be read. */
    isGone: () => Atomics.load(control, Word.Stop) === 1 || (seenCpu && threadCpu() === null),
    /** The process waits at its exit for a session that is connected. */
    stopAsking: () => recent?.finish(),
    finish(end: Omit<EndRow, 't' | 'type'>): void {
      if (finished) return;
      recent?.finish();
      looks.finish();
      stalls.finish(now());
      maps.finish();
      readSamplers();
      finished = true;
      record({ t: now(), type: 'end', ...end });
      threadCpu.close();
      threadState.close();
      threadStat.close();
      capture.detach();
      interrupts.close();
      writer?.close();
    },
    inMemory: (): Recording => ({
      header,
      rows: [...kept.values(), lostRows()].flat().sort((a, b) => a.t - b.t),
      durationMs: now(),
      droppedRows: lostRows().reduce((sum, { rows }) => sum + rows, 0),
      skippedLines: 0,
      truncated: false,
      path: writtenFolder(),
    }),
  };
}

function headerOf(data: WatchdogData, thread: ThreadData, level: Level): Header {
  return {
    t: 0,
    type: 'header',
    format: 'evdiag-recording',
    major: FORMAT_MAJOR,
    minor: FORMAT_MINOR,
    evdiagVersion: EVDIAG_VERSION,
    nodeVersion: process.version,
    v8Version: process.versions.v8,
    libuvVersion: process.versions.uv,
    pid: process.pid,
    parentPid: data.parentPid,
    threadId: thread.threadId,
    argv: redactArguments(data.argv),
    startedAt: new Date(thread.startedAtMs).toISOString(),
    startMonotonicMs: thread.startMonotonicMs,
    level,
    slowMs: data.settings.slowMs,
    samplers: samplers.filter((sampler) => level === 'diagnose' || sampler.level === 'watch').map(({ id }) => id),
    platform: process.platform,
    arch: process.arch,
    cpuCount: cpus().length,
    ...containerLimits(),
  };
}
