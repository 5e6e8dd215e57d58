import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BroadcastChannel, isMainThread, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { judge } from '../../src/detectors/judge.ts';
import { RECORDING_FILE } from '../../src/recording/paths.ts';
import type { EndRow, Level, Row } from '../../src/recording/types.ts';
import { summarize } from '../../src/report/summary.ts';
import { isWrapper } from '../../src/report/wrapper.ts';
import { printLine } from '../../src/util/print-line.ts';
import { runFolders } from '../../src/util/run-folder.ts';
import { CHANNEL, WATCHDOG_FINISHED, Word } from '../shared-memory.ts';
import { headersIn } from './family-headers.ts';
import { isMessage } from './messages.ts';
import { type Observation, observe } from './observation.ts';
import { openCpuLimit } from './platform/container.ts';
import { openPressure } from './platform/pressure.ts';
import { watchSignals } from './platform/signals.ts';
import { createMethods } from './socket/methods/index.ts';
import { type LiveSocket, openSocket } from './socket/socket.ts';
import { calibrateChains } from './stall/chains.ts';
import { createLiveLog } from './stall/live-log.ts';
import { createStorage, type Storage } from './storage.ts';
import type { ThreadData, WatchdogData } from './types.ts';

/** Worker threads observed at a time; more run unobserved, and are counted. */
const MAX_WORKERS = 64;
/** Folders of worker threads per process: a program that starts one per request leaves no thousands of them. */
const MAX_WORKER_FOLDERS = 64;
/** Ended threads kept in memory for the summary. */
const MAX_ENDED = 16;
/** Numbers of ended threads that are remembered. */
const MAX_GONE = 1000;
const THREADS_ROW_MS = 1000;
/** The live socket waits: a program that is over by then never pays for it. */
const SOCKET_AFTER_MS = 20;

function run(data: WatchdogData): void {
  const { settings } = data;
  const { control } = data.thread.shared;
  let level: Level = settings.level;
  let finished = false;
  let folders = 0;
  calibrateChains();
  const live = createLiveLog(() => performance.now());

  const cpuLimit = openCpuLimit();
  const pressure = openPressure();
  const viewers = new Set<(threadId: number, row: Row) => void>();

  const storage = createStorage(control);
  const startObserving = (thread: ThreadData): Observation =>
    observe({
      data,
      storage,
      thread,
      level,
      mayWrite: () => thread.threadId === 0 || ++folders <= MAX_WORKER_FOLDERS,
      onLive: (stall) => {
        // A worker that computes does what it is for, unless something waits in it.
        if (!settings.quiet && (thread.threadId === 0 || stall.waiting > 0)) live(stall, thread.threadId);
      },
      onRow: (threadId, row) => {
        for (const tell of viewers) tell(threadId, row);
      },
      onFailure: (message) => {
        if (!settings.quiet) printLine(`evdiag: ${message}`);
      },
      cpuLimit,
      pressure,
    });
  const main = startObserving(data.thread);
  const workers = new Map<number, Observation>();
  const ended: Observation[] = [];
  const counts = { started: 0, ended: 0, unobserved: 0 };
  /** Alive, beyond MAX_WORKERS: each says hello again and again. */
  const unobserved = new Set<number>();
  /** A terminated thread's hello may come after word of its end, on another port. */
  const gone = new Set<number>();

  const endWorker = (worker: Observation): void => {
    worker.finish({ reason: 'exit', exitCode: null, signal: null });
    workers.delete(worker.threadId);
    counts.ended++;
    threadsChanged = true;
    const findings = worker.folder() ? judge(worker.inMemory()).findings : [];
    if (findings.some(({ rule }) => rule !== 'recording-quality')) ended.push(worker);
    if (ended.length > MAX_ENDED) ended.shift();
  };

  const onMessage = (message: unknown): void => {
    if (finished || !isMessage(message)) return;
    const worker = 'threadId' in message ? workers.get(message.threadId) : undefined;
    if (message.type === 'sample') (message.threadId === 0 ? main : worker)?.onSample(message.sample);
    else if (message.type === 'thread-gone') onGone(message.threadId, worker);
    else if (message.type === 'thread') addWorker(message.thread);
    else if (message.type === 'level') setLevel(message.level);
  };
  const onGone = (threadId: number, worker: Observation | undefined): void => {
    if (gone.size >= MAX_GONE) gone.delete(gone.values().next().value!);
    gone.add(threadId);
    if (worker) endWorker(worker);
    if (!unobserved.delete(threadId)) return;
    counts.ended++;
    threadsChanged = true;
  };
  const addWorker = (thread: ThreadData): void => {
    const { threadId } = thread;
    if (workers.has(threadId) || gone.has(threadId)) return;
    const isNew = !unobserved.delete(threadId);
    const isFull = workers.size >= MAX_WORKERS;
    if (isFull) unobserved.add(threadId);
    else workers.set(threadId, startObserving(thread));
    if (isNew) counts.started++;
    if (isNew && isFull) counts.unobserved++;
    threadsChanged ||= isNew;
  };
  const setLevel = (next: Level): void => {
    if (next === level) return;
    level = next;
    for (const thread of [main, ...workers.values()]) thread.setLevel(next);
  };

  const finish = (end: Omit<EndRow, 't' | 'type'>): void => {
    if (finished) return;
    finished = true;
    main.stopAsking();
    storage.use(() => socket?.close());
    for (const worker of [...workers.values()]) endWorker(worker);
    tellThreads(0);
    try {
      main.finish(end);
      if (!settings.quiet && settings.summary) printSummary(storage, [main, ...ended], data.family);
    } catch (error) {
      printLine(`evdiag: ${String(error).split('\n')[0]}`);
    }
    Atomics.store(control, Word.WatchdogState, WATCHDOG_FINISHED);
    Atomics.notify(control, Word.WatchdogState);
  };

  let threadsChanged = false;
  let threadsToldAt = Number.NEGATIVE_INFINITY;
  const tellThreads = (everyMs: number): void => {
    const t = main.now();
    if (!threadsChanged || t - threadsToldAt < everyMs) return;
    threadsChanged = false;
    threadsToldAt = t;
    main.record({ t, type: 'threads', ...counts, alive: counts.started - counts.ended });
  };

  const tick = (): void => {
    if (finished) return;
    let nextMs = main.tick();
    for (const worker of [...workers.values()]) {
      if (worker.isGone()) endWorker(worker);
      else nextMs = Math.min(nextMs, worker.tick());
    }
    tellThreads(THREADS_ROW_MS);
    if (Atomics.load(control, Word.Stop) === 1) {
      // The thread's last word was posted before, and may still be on its way.
      for (let last = receiveMessageOnPort(parentPort!); last; last = receiveMessageOnPort(parentPort!))
        onMessage(last.message);
      finish({ reason: 'exit', exitCode: Atomics.load(control, Word.ExitCode), signal: null });
      return;
    }
    setTimeout(tick, nextMs);
  };

  let socket: LiveSocket | null = null;
  const listen = (): void => {
    if (finished) return;
    const folders = runFolders(data.folders);
    const methods = createMethods({
      header: main.header,
      family: data.family,
      level: () => level,
      setLevel,
      uptimeMs: main.now,
      inspection: data.inspection,
      flags: data.flags,
      keepsRecent: settings.recent,
      threads: () => [main, ...workers.values()].map(({ dumpable }) => dumpable),
      observed: () =>
        [main, ...workers.values()].map(({ header, folder, inMemory }) => ({
          header,
          folder,
          // What the summary alone leaves out is no news to a viewer.
          rows: () => inMemory().rows.filter(({ type }) => type !== 'dropped'),
        })),
      onRow(tell) {
        viewers.add(tell);
        return () => void viewers.delete(tell);
      },
      folders,
    });
    const failed = (message: string): void => main.record({ t: main.now(), type: 'agent-error', message });
    socket = storage.use(() => openSocket(folders, process.pid, methods, failed)) ?? null;
  };
  setTimeout(listen, SOCKET_AFTER_MS);

  parentPort!.on('message', onMessage);
  const channel = new BroadcastChannel(CHANNEL);
  channel.onmessage = (event) => {
    try {
      onMessage((event as { data: unknown }).data);
    } catch {
      // Not from an agent: those send what can be recorded.
    }
  };
  try {
    watchSignals(data.thread.shared, storage, (signal) => finish({ reason: 'signal', exitCode: null, signal }));
  } catch (error) {
    const message = `signals are not heard: ${String(error).split('\n')[0]}`;
    main.record({ t: main.now(), type: 'agent-error', message });
  }
  tick();
}

function printSummary(storage: Storage, threads: readonly Observation[], family: string): void {
  const judged = threads.map((thread) => {
    const recording = thread.inMemory();
    return { recording, ...judge(recording) };
  });
  const written = threads[0]?.folder() ?? null;
  // Somebody may have removed it, and for good.
  const isThere = written !== null && storage.use(() => existsSync(join(written, RECORDING_FILE)));
  const folder = isThere ? written : null;
  const path = threads.length > 1 && folder ? family : folder;
  const [main] = judged;
  // Who waits for another program, as npm does, leaves the last word to that.
  const others = folder ? storage.use(() => headersIn(family, folder)) : undefined;
  if (main && others && isWrapper(main.recording, main.findings, others)) return;
  for (const line of summarize(judged, { path })) printLine(line);
}

if (!isMainThread && parentPort) run(workerData as WatchdogData);
