import { cpus } from 'node:os';
import { recordingFolder } from '../../src/recording/paths.ts';
import {
  type EndRow,
  FORMAT_MAJOR,
  FORMAT_MINOR,
  type Header,
  type Level,
  type Recording,
  type Row,
} from '../../src/recording/types.ts';
import { redactArguments } from '../../src/util/redact.ts';
import { WITHOUT_INSPECTOR } from '../inspection.ts';
import { samplers } from '../samplers/index.ts';
import type { DelayHistogram, RunningSampler } from '../samplers/types.ts';
import { budgetOf, type Settings } from '../settings.ts';
import { BUDGET_UNIT, WATCHDOG_READY, Word } from '../shared-memory.ts';
import { createInstruments, type Instruments } from './instruments.ts';
import type { ObservationOptions } from './observation-options.ts';
import { containerLimits } from './platform/container.ts';
import { RowStore } from './row-store.ts';
import type { DumpableThread } from './socket/methods/types.ts';
import type { SampleMessage, ThreadData, WatchdogData } from './types.ts';

declare const EVDIAG_VERSION: string;

/** How often the heartbeat is checked, as a share of the threshold; each check wakes the thread (about 0.2 ms CPU). */
const TICK_SHARE = 0.5;
const TICK_MS = { least: 5, most: 50 };
/** During a gap, more often. */
const CLOSE_TICK_MS = 8;
const READ_INTERVAL_MS = 1000;

/** Observes one thread: notices its stalls, takes deep samples, and writes its recording. */
export class Observation {
  readonly threadId: number;
  readonly control: Int32Array;
  readonly header: Header;
  /** What `evdiag dump` asks. */
  readonly dumpable: DumpableThread;
  readonly #store: RowStore;
  readonly #instruments: Instruments;
  readonly #running: RunningSampler[];
  readonly #startMonotonicMs: number;
  readonly #tickMs: number;
  readonly #settings: Settings;
  readonly #onBeats: ObservationOptions['onBeats'];
  readonly #fail: (message: string) => void;
  #lastReadAt = 0;
  #finished = false;

  constructor(options: ObservationOptions) {
    const { data, thread, level, onRow, onFailure } = options;
    this.#settings = data.settings;
    this.#onBeats = options.onBeats;
    this.threadId = thread.threadId;
    this.control = thread.shared.control;
    this.header = headerOf(data, thread, level);
    this.#startMonotonicMs = thread.startMonotonicMs;
    this.#tickMs = Math.min(TICK_MS.most, Math.max(TICK_MS.least, data.settings.slowMs * TICK_SHARE));
    this.#fail = (message) => {
      this.record({ t: this.now(), type: 'agent-error', message });
      onFailure(message);
    };
    this.#store = new RowStore({
      folder: recordingFolder(data.family, process.pid, thread.threadId),
      header: this.header,
      maxBytes: data.settings.maxBytes,
      storage: options.storage,
      now: () => this.now(),
      mayWrite: options.mayWrite,
      onRow: (row) => onRow(thread.threadId, row),
      onFailure: (message) => this.#fail(message),
    });
    this.#store.begin();
    this.#instruments = createInstruments(options, {
      store: this.#store,
      now: () => this.now(),
      record: (row, atOnce) => this.record(row, atOnce),
      fail: this.#fail,
    });
    this.dumpable = this.#instruments.dumpable;
    this.#running = this.#startSamplers(options);
    this.#recordProblems(data);
    // A worker thread reads the environment, which does not have a level that was changed later.
    this.#applyLevel(level);
    Atomics.store(this.control, Word.WatchdogState, WATCHDOG_READY);
    Atomics.notify(this.control, Word.WatchdogState);
  }

  /** Milliseconds since the recording began. */
  now(): number {
    return Number(process.hrtime.bigint()) / 1e6 - this.#startMonotonicMs;
  }

  /** `atOnce`: it is on disk when this returns. */
  record(row: Row, atOnce = false): void {
    if (!this.#finished || row.type === 'end') this.#store.add(row, atOnce);
  }

  /** Where the recording is, null if nothing was written. */
  folder(): string | null {
    return this.#store.folder();
  }

  onSample(sample: SampleMessage): void {
    const { maps, marks, transfersRow, unfinishedRows, lastLook, idleLooks, cost, dumpable, utilization } =
      this.#instruments;
    Atomics.add(this.control, Word.SamplesTaken, 1);
    if (sample.dropped) this.#recordAll([{ type: 'dropped', rows: sample.dropped, why: 'the agent was held up' }]);
    if (sample.maps) maps.onMaps(sample.maps);
    if (sample.addOnCalls) marks.learn(sample.addOnCalls);
    if (sample.trace) dumpable.tracing.memory = sample.trace;
    cost.sampled(sample.mainThreadMs, sample.sensors);
    this.#recordAll(
      sample.rows.map((row) => (row.type === 'event-loop-utilization' ? utilization.corrected(row) : row)),
    );
    const { tracked, transfers } = sample;
    if (tracked) {
      maps.mapped(
        () => unfinishedRows(tracked),
        (rows) => this.#recordAll(rows),
      );
    }
    if (transfers) {
      maps.mapped(
        () => [transfersRow(transfers)],
        (rows) => this.#recordAll(rows),
      );
    }
    if (sample.heapMs !== undefined) idleLooks?.measured(sample.heapMs);
    if (sample.last) lastLook.onTaken();
    else if (sample.heapMs === undefined) this.#considerLooks();
  }

  #considerLooks(): void {
    const { deepSamples, idleLooks } = this.#instruments;
    deepSamples.consider();
    idleLooks?.consider();
  }

  setLevel(next: Level): void {
    this.#applyLevel(next);
    this.#instruments.deepSamples.setLevel(next);
    this.record({ t: this.now(), type: 'level', level: next }, true);
  }

  /** Returns how many ms later it wants to be called again. */
  tick(): number {
    const { stalls, maps, recent, overdueEnd } = this.#instruments;
    const t = this.now();
    overdueEnd.tick(t);
    stalls.tick(t, this.#untilNext(this.#tickMs));
    maps.tick(!stalls.isOpen());
    // The histogram is not reset while a stall is open: its count is the heartbeat.
    if (t - this.#lastReadAt >= READ_INTERVAL_MS && !stalls.isOpen()) {
      this.#lastReadAt = t;
      this.#readSamplers();
      this.#store.flush();
    }
    return this.#untilNext(recent?.tick(t, this.#tickMs) ?? this.#tickMs);
  }

  /** Terminated threads do not report their end: their CPU time can no longer be read. */
  isGone(): boolean {
    const { seenCpu, threadCpu } = this.#instruments;
    return Atomics.load(this.control, Word.Stop) !== 0 || (seenCpu && threadCpu() === null);
  }

  /** Asks the thread once more what it has not finished; resolves when it has answered, or could not within a short time. */
  lookBack(): Promise<void> {
    return this.#instruments.stalls.isOpen() ? Promise.resolve() : this.#instruments.lastLook.take();
  }

  /** How long it has not returned to its loop; 0 where that is not long. */
  blockedMs(): number {
    return this.#instruments.stalls.openMs(this.now());
  }

  beats(): DelayHistogram {
    return this.#instruments.histogram;
  }

  /** Of its inspector sessions, for the moment. */
  letGo(): void {
    this.#instruments.dumpable.capture.letGo();
    this.#instruments.recent?.letGo();
  }

  /** A process waits at its exit for a connected session: there is none from now on. */
  stopAsking(): void {
    this.#instruments.recent?.finish();
    this.#instruments.dumpable.capture.detach();
  }

  finish(end: Omit<EndRow, 't' | 'type'>): void {
    if (this.#finished) return;
    const { recent, deepSamples, stalls, maps } = this.#instruments;
    recent?.finish();
    deepSamples.finish();
    stalls.finish(this.now());
    maps.finish();
    this.#readSamplers();
    this.#finished = true;
    this.record({ t: this.now(), type: 'end', ...end });
    this.#instruments.close();
    this.#store.close();
  }

  inMemory(): Recording {
    return {
      header: this.header,
      rows: this.#store.all(),
      durationMs: this.now(),
      droppedRows: this.#store.lost().reduce((sum, { rows }) => sum + rows, 0),
      skippedLines: 0,
      truncated: false,
      path: this.#store.folder(),
    };
  }

  #applyLevel(level: Level): void {
    Atomics.store(this.control, Word.Diagnose, level === 'diagnose' ? 1 : 0);
    Atomics.store(this.control, Word.Budget, Math.round(budgetOf(this.#settings, level) / BUDGET_UNIT));
  }

  #untilNext(ms: number): number {
    return this.#instruments.stalls.isOpen() ? Math.min(CLOSE_TICK_MS, ms) : ms;
  }

  #startSamplers({ cpuLimit }: ObservationOptions): RunningSampler[] {
    const { histogram, stalls, threadCpu, cost } = this.#instruments;
    const context = {
      histogram,
      gcByKind: false,
      addGcMs: () => {},
      heartbeatMaxMs: () => stalls.heartbeatMaxMs(),
      observedThread: threadCpu,
      cpuLimit,
      ownCost: () => cost.read(),
    };
    return samplers.filter(({ thread }) => thread === 'watchdog').map((sampler) => sampler.start(context));
  }

  #readSamplers(): void {
    this.#instruments.stalls.acrossReset(() => {
      this.#onBeats(this.threadId, this.#instruments.histogram);
      for (const sampler of this.#running) {
        try {
          const row = sampler.read();
          if (row) this.#recordAll([row]);
        } catch (error) {
          this.#fail(String(error).split('\n')[0] ?? '');
        }
      }
    });
  }

  #recordAll(rows: readonly object[]): void {
    for (const row of rows) this.record({ ...row, t: this.now() } as Row);
  }

  #recordProblems({ problems, inspection }: WatchdogData): void {
    if (this.threadId !== 0) return;
    for (const message of problems) this.record({ t: 0, type: 'agent-error', message });
    if (inspection !== 'absent') return;
    this.record({ t: this.now(), type: 'agent-error', message: `no stacks: ${WITHOUT_INSPECTOR.absent}` });
  }
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
    threadPoolSize: data.threadPoolSize,
  };
}
