import { createFrameMapper, plainFrame, type RawFrame } from '../../src/recording/source-maps.ts';
import type { Frame, Row } from '../../src/recording/types.ts';
import { readBeats } from '../shared-beats.ts';
import { Word } from '../shared-memory.ts';
import { createDeepSamples } from './deep-sample/deep-samples.ts';
import { KeptObjects } from './deep-sample/kept-objects.ts';
import { IdleLooks } from './idle-looks.ts';
import { createInterrupts } from './interrupts.ts';
import { LastLook } from './last-look.ts';
import { LoadedMaps } from './loaded-maps.ts';
import type { ObservationOptions } from './observation-options.ts';
import { OverdueEnd } from './overdue-end.ts';
import { createOwnCost } from './own-cost.ts';
import { ThreadCapture } from './platform/stack-capture.ts';
import { openThreadCpu } from './platform/thread-cpu.ts';
import { openThreadStat } from './platform/thread-stat.ts';
import { createProfileFiles } from './profile-files.ts';
import { RecentStacks, type RecentStacksOptions } from './recent/recent-stacks.ts';
import { openThreadState } from './recent/thread-state.ts';
import type { RowStore } from './row-store.ts';
import type { DumpableThread } from './socket/methods/types.ts';
import { createMarkedCalls } from './stall/marked-calls.ts';
import { StallWatch } from './stall/stalls.ts';
import { createTransfers } from './transfers.ts';
import { TrueUtilization } from './true-utilization.ts';
import { createUnfinished } from './unfinished.ts';

/** Resources that take requests. */
const SERVERS = ['TCPServerWrap', 'PipeServerWrap', 'UDPWrap'];

/** The observation that the instruments write for. */
export interface Log {
  store: RowStore;
  /** Milliseconds since the recording began. */
  now(): number;
  record(row: Row, atOnce?: boolean): void;
  fail(message: string): void;
}

export type Instruments = ReturnType<typeof createInstruments>;

/** What observes a thread, wired together. */
export function createInstruments(options: ObservationOptions, log: Log) {
  const { shared, beats, threadId } = options.thread;
  const basics = createBasics(options, log);
  const { capture, maps, marks, toFrame, readers, rows } = basics;
  const histogram = 'counts' in beats ? readBeats(beats) : beats;
  const { keptObjects, deepSamples } = createSampling(options, log, basics);
  const onStall = (row: Row & { startMs: number }): void => {
    if (!keptObjects.caused(row.startMs)) log.record(row, true);
  };
  const clocks = { cpu: readers.cpu, stat: readers.stat };
  const stalls = new StallWatch({
    ...{ shared, histogram, capture, toFrame, maps, marks, now: log.now },
    slowMs: options.data.settings.slowMs,
    startMonotonicMs: options.thread.startMonotonicMs,
    isWorker: threadId !== 0,
    attached: options.data.attached !== null,
    thread: { ...clocks, limit: options.cpuLimit, pressure: options.pressure },
    onOpen: onStall,
    onLive: (stall) => options.onLive(stall, threadId),
    onClose: onStall,
    hasServed: createServed(rows),
    waiting: () => rows('active-resources').at(-1)?.waiting ?? null,
  });
  const recent = openRecent(options, log, { ...basics, histogram });
  const dumpable: DumpableThread = {
    ...{ threadId, shared, capture, toFrame, maps, marks, clocks, recent },
    sampling: keptObjects,
    tracing: { memory: null },
  };
  return {
    ...{ histogram, maps, marks, deepSamples, stalls, recent, dumpable },
    overdueEnd: new OverdueEnd(basics),
    utilization: new TrueUtilization({
      cpu: readers.cpu,
      isProfiled: () => options.data.flags.includes('--cpu-prof') || capture.isUsed('profile'),
      stalls: () => rows('stall'),
    }),
    ...createLooks(options, log, basics),
    cost: createOwnCost(shared, threadId, () => log.store.bytesWritten()),
    transfersRow: createTransfers(toFrame),
    unfinishedRows: createUnfinished(toFrame),
    threadCpu: readers.cpu,
    /** The platform reported the thread's CPU time at the start. */
    seenCpu: readers.cpu() !== null,
    close: () => basics.close(),
  };
}

type Basics = ReturnType<typeof createBasics>;

/** What the other instruments need: files of the platform, interrupts, places. */
function createBasics({ data, thread, storage }: ObservationOptions, { fail, store }: Log) {
  const { threadId, nativeId } = thread;
  const readers = {
    cpu: openThreadCpu(nativeId),
    stat: openThreadStat(nativeId),
    state: openThreadState(threadId === 0 ? nativeId : null),
  };
  const interrupts = createInterrupts(thread, data.gate);
  const capture = new ThreadCapture({
    ...{ threadId, interrupts, inspection: data.inspection },
    onError(error) {
      // Nobody can change this, so it is reported only in the recording.
      if (data.inspection !== 'absent') fail(`no stacks: ${String((error as Error).message).split('\n')[0]}`);
    },
  });
  const maps = new LoadedMaps(capture);
  const mapFrame = createFrameMapper(maps.runText);
  return {
    ...{ readers, interrupts, capture, maps },
    marks: createMarkedCalls(thread.shared),
    // It reads the sources, unless the process ends and does not wait for that.
    toFrame: (raw: RawFrame): Frame => storage.use(() => mapFrame(raw)) ?? plainFrame(raw),
    rows: store.of.bind(store) as RowStore['of'],
    close(): void {
      for (const reader of Object.values(readers)) reader.close();
      capture.detach();
      interrupts.close();
    },
  };
}

function createSampling({ thread, storage, level }: ObservationOptions, { store, now, record }: Log, basics: Basics) {
  const { capture, maps, toFrame, rows, readers } = basics;
  const common = { capture, toFrame, maps, now, record, rows };
  const keepFile = createProfileFiles(() => store.folder());
  const keptObjects = new KeptObjects({
    ...common,
    keepFile: (profile) => storage.use(() => keepFile(profile)) ?? null,
    // The end of a worker thread would wait for the session.
    always: thread.threadId === 0,
  });
  const { control } = thread.shared;
  const deepSamples = createDeepSamples({
    ...common,
    kept: keptObjects,
    level,
    observedThread: readers.cpu,
    track: (wanted) => void Atomics.store(control, Word.Track, wanted ? 1 : 0),
    debuggerAttached: () => Atomics.load(control, Word.Debugger) !== 0,
  });
  return { keptObjects, deepSamples };
}

/** By a session of its own, which stays: the end of a worker thread would wait for it. */
function openRecent(
  { data, thread }: ObservationOptions,
  { now }: Log,
  { marks, readers, interrupts, rows, histogram }: Basics & Pick<RecentStacksOptions, 'histogram'>,
): RecentStacks | null {
  const { threadId, shared, startMonotonicMs } = thread;
  if (threadId !== 0 || data.inspection !== 'possible' || !data.settings.recent) return null;
  return new RecentStacks({
    ...{ shared, marks, histogram, now, startMonotonicMs },
    capture: new ThreadCapture({ threadId, inspection: data.inspection, interrupts, onError() {} }),
    observedThread: readers.cpu,
    state: readers.state,
    utilization: () => rows('event-loop-utilization').at(-1)?.utilization ?? 1,
  });
}

/** Whether the thread has had a server yet. */
function createServed(rows: RowStore['of']): () => boolean {
  let hasServed = false;
  return () => {
    hasServed ||= rows('active-resources').some(({ counts }) => SERVERS.some((name) => counts[name]));
    return hasServed;
  };
}

/** Of the main thread alone: the end of a worker thread would wait for the session. */
function createLooks({ data, thread }: ObservationOptions, { now }: Log, { capture, rows }: Basics) {
  const lastLook = new LastLook(capture);
  const isAsked = thread.threadId === 0 && data.inspection === 'possible';
  const isOff = (): boolean => Atomics.load(thread.shared.control, Word.Debugger) !== 0;
  return { lastLook, idleLooks: isAsked ? new IdleLooks({ look: lastLook, rows, now, isOff }) : null };
}
