import { rmSync } from 'node:fs';
import { BroadcastChannel, isMainThread, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { CHANNEL } from '../../src/protocol/channel.ts';
import type { EndRow, Row } from '../../src/recording/types.ts';
import { closeLine, printLine } from '../../src/util/print-line.ts';
import { runFolders } from '../../src/util/run-folder.ts';
import type { DelayHistogram } from '../samplers/types.ts';
import { LET_GO, STOP_LEFT, WATCHDOG_FINISHED, Word } from '../shared-memory.ts';
import { Departure } from './departure.ts';
import { followFileCalls } from './file-calls.ts';
import { isMessage } from './messages.ts';
import type { Metrics } from './metrics/metrics.ts';
import { ObservedThreads } from './observed-threads.ts';
import { openCpuLimit } from './platform/container.ts';
import { releaseSessions } from './platform/held-sessions.ts';
import { openPressure } from './platform/pressure.ts';
import { watchSignals } from './platform/signals.ts';
import { closeThreadFiles } from './platform/thread-file.ts';
import type { Target } from './socket/methods/types.ts';
import { LiveSocket } from './socket/socket.ts';
import { calibrateChains } from './stall/chains.ts';
import { createLiveLog } from './stall/live-log.ts';
import { createStorage, type Storage } from './storage.ts';
import type { WatchdogData } from './types.ts';
import type { WhyWatch } from './why/why-watch.ts';

/** The live socket waits this long: a program that is over by then does not pay for it. Who has loaded the agent waits for it. */
const SOCKET_AFTER_MS = 20;
/** Answers are on their way when the agent has left. */
const FAREWELL_MS = 20;

/** Each is loaded when it is first used: until then, nothing of it takes memory. */
const loadSummary = () => require('./summary.ts') as typeof import('./summary.ts');
const loadMetrics = () => require('./metrics/metrics.ts') as typeof import('./metrics/metrics.ts');
const loadWhyWatch = () => require('./why/why-watch.ts') as typeof import('./why/why-watch.ts');
const loadMethods = () => require('./socket/methods/index.ts') as typeof import('./socket/methods/index.ts');

/** The main thread needs far less time to end, or to go on, once the sessions are closed. */
const LET_GO_MS = 1000;

/** The watchdog's thread: one tick for all observed threads, their messages, the live socket, and the end. */
class Watchdog {
  /** Before the recording exists: who sees that may change the level. */
  readonly #channel = new BroadcastChannel(CHANNEL);
  readonly #data: WatchdogData;
  readonly #control: Int32Array;
  readonly #storage: Storage;
  readonly #threads: ObservedThreads;
  readonly #viewers = new Set<(threadId: number, row: Row) => void>();
  readonly #departure: Departure;
  #socket: LiveSocket | null = null;
  #metrics: Metrics | null = null;
  #whyWatch: WhyWatch | null = null;
  #finished = false;

  constructor(data: WatchdogData) {
    this.#data = data;
    this.#control = data.thread.shared.control;
    this.#storage = createStorage(this.#control);
    followFileCalls(this.#storage);
    const { quiet } = data.settings;
    const live = createLiveLog(() => performance.now());
    const options = {
      data,
      storage: this.#storage,
      onLive: (stall: Parameters<typeof live>[0], threadId: number) => {
        // A worker exists to compute, unless something waits in it.
        if (!quiet && (threadId === 0 || stall.waiting > 0)) live(stall, threadId);
      },
      onRow: (threadId: number, row: Row) => {
        for (const listener of this.#viewers) listener(threadId, row);
        this.#metrics?.onRow(threadId, row);
        this.#whyWatch?.onRow(threadId, row);
      },
      onBeats: (threadId: number, histogram: DelayHistogram) => {
        if (threadId === 0) this.#metrics?.onBeats(histogram);
      },
      onFailure: (message: string) => {
        if (!quiet) printLine(`evdiag: ${message}`);
      },
      cpuLimit: openCpuLimit(),
      pressure: openPressure(),
    };
    this.#threads = new ObservedThreads(options, data.thread);
    this.#departure = new Departure({
      attached: data.attached,
      threads: this.#threads,
      isAlone: () => (this.#socket?.visitors() ?? 0) === 0,
      wasVisited: () => this.#socket?.wasVisited() ?? false,
      now: () => this.#threads.main.now(),
      askMain: () => parentPort!.postMessage('leave'),
    });
  }

  start(): void {
    const uploaded = this.#data.attached?.uploaded; // all of it has been loaded
    if (uploaded) rmSync(uploaded, { recursive: true, force: true });
    setTimeout(() => this.#listen(), this.#data.attached ? 0 : SOCKET_AFTER_MS);
    parentPort!.on('message', (message) => this.#onMessage(message));
    this.#channel.onmessage = (event) => {
      try {
        this.#onMessage((event as { data: unknown }).data);
      } catch {
        // Not from an agent: they send only what can be recorded.
      }
    };
    // Node's own handlers, which put a terminal right, would not come back when the agent leaves.
    if (!this.#data.attached) this.#watchSignals();
    if (this.#data.settings.metrics !== null) this.#serveMetrics(this.#data.settings.metrics);
    if (this.#data.settings.whyMs !== null) this.#watchWhy(this.#data.settings.whyMs);
    this.#tick();
  }

  #watchSignals(): void {
    try {
      watchSignals(this.#data.thread.shared, this.#storage, {
        quiet: this.#data.settings.quiet,
        lookBack: () => this.#threads.main.lookBack(),
        lastWords: (signal) => this.#finish({ reason: 'signal', exitCode: null, signal }),
        onHandled: (signal) => this.#onHandledSignal(signal),
      });
    } catch (error) {
      this.#reportError(`signals are not observed: ${String(error).split('\n')[0]}`);
    }
  }

  #tick(): void {
    if (this.#finished) return;
    if (this.#storage.isAsked() && !this.#isExiting()) return void setTimeout(() => this.#tick(), 5);
    this.#letGo();
    if (this.#departure.hasLeft()) {
      setTimeout(() => this.#goAway(), FAREWELL_MS);
      return;
    }
    if (this.#isExiting()) this.#stopAsking();
    const nextMs = this.#threads.tick();
    const stop = Atomics.load(this.#control, Word.Stop);
    if (!this.#isExiting()) {
      setTimeout(() => this.#tick(), stop === 0 ? nextMs : 0);
      return;
    }
    // The thread's last message was posted before, and may still arrive.
    for (let last = receiveMessageOnPort(parentPort!); last; last = receiveMessageOnPort(parentPort!)) {
      this.#onMessage(last.message);
    }
    this.#finish({ reason: 'exit', exitCode: Atomics.load(this.#control, Word.ExitCode), signal: null });
  }

  /** It may have left meanwhile, which is no exit. */
  #isExiting(): boolean {
    const stop = Atomics.load(this.#control, Word.Stop);
    return stop !== 0 && stop !== STOP_LEFT;
  }

  /** Before anything else that the end asks for: Node says so where a session is left, and the exit waits for a bounded time only. */
  #stopAsking(): void {
    for (const thread of this.#threads.alive()) thread.stopAsking();
    releaseSessions();
    Atomics.store(this.#control, Word.LetGo, LET_GO.forGood);
    Atomics.notify(this.#control, Word.LetGo);
  }

  /** The main thread may end any moment: see let-go.ts. */
  #letGo(): void {
    if (Atomics.load(this.#control, Word.LetGo) !== LET_GO.asked) return;
    for (const thread of this.#threads.alive()) thread.letGo();
    if (Atomics.compareExchange(this.#control, Word.LetGo, LET_GO.asked, LET_GO.done) !== LET_GO.asked) return;
    Atomics.notify(this.#control, Word.LetGo);
    Atomics.wait(this.#control, Word.LetGo, LET_GO.done, LET_GO_MS);
  }

  /** The process goes on, and this thread ends. */
  #goAway(): void {
    this.#finish({ reason: 'detached', exitCode: null, signal: null });
    closeThreadFiles();
    closeLine();
    process.exit();
  }

  #onMessage(message: unknown): void {
    if (this.#finished || !isMessage(message)) return;
    if (message.type === 'sample') this.#threads.of(message.threadId)?.onSample(message.sample);
    else if (message.type === 'thread-gone') this.#threads.onGone(message.threadId);
    else if (message.type === 'thread') this.#threads.add(message.thread);
    else if (message.type === 'level') this.#threads.setLevel(message.level);
  }

  #onHandledSignal(signal: string): void {
    const { main } = this.#threads;
    main.record({ t: main.now(), type: 'signal', signal }, true);
    void main.lookBack();
    // The end comes soon, and waits for the summary no longer than it must.
    if (!this.#data.settings.quiet) loadSummary();
  }

  #finish(end: Omit<EndRow, 't' | 'type'>): void {
    if (this.#finished) return;
    this.#finished = true;
    const { main } = this.#threads;
    const { settings, family } = this.#data;
    this.#stopAsking();
    this.#metrics?.close();
    this.#storage.use(() => this.#socket?.close());
    this.#threads.endWorkers();
    try {
      main.finish(end);
      if (!settings.quiet && settings.summary) {
        loadSummary().printSummary(this.#storage, this.#threads.judged(), family);
      }
    } catch (error) {
      if (!settings.quiet) printLine(`evdiag: ${String(error).split('\n')[0]}`);
    }
    Atomics.store(this.#control, Word.WatchdogState, WATCHDOG_FINISHED);
    Atomics.notify(this.#control, Word.WatchdogState);
  }

  #listen(): void {
    if (this.#finished) return;
    const folders = runFolders(this.#data.folders);
    const methods = () => loadMethods().createMethods(this.#target(folders));
    const failed = (message: string): void => this.#reportError(message);
    this.#socket =
      this.#storage.use(() => new LiveSocket({ folders, pid: process.pid, methods, onError: failed })) ?? null;
  }

  #serveMetrics(text: string): void {
    const threads = this.#threads;
    const { settings, family, thread } = this.#data;
    const say = (message: string): void => {
      if (!settings.quiet) printLine(`evdiag: ${message}`);
    };
    this.#metrics = loadMetrics().startMetrics({
      ...{ text, family },
      startedAtMs: thread.startedAtMs,
      slowMs: settings.slowMs,
      now: () => threads.main.now(),
      blockedMs: () => threads.main.blockedMs(),
      beats: () => threads.main.beats(),
      recordings: () => threads.observed().map((one) => one.inMemory()),
      onStorage: (act) => this.#storage.use(act),
      announce: say,
      complain: (message) => {
        this.#reportError(message);
        say(message);
      },
    });
  }

  #watchWhy(whyMs: number): void {
    if (this.#data.inspection !== 'possible') return;
    this.#whyWatch = new (loadWhyWatch().WhyWatch)({
      whyMs,
      pid: process.pid,
      threads: () => this.#threads.alive().map(({ dumpable }) => dumpable),
      print: (line) => {
        if (!this.#finished) printLine(line);
      },
    });
  }

  /** What is reported through the socket. */
  #target(folders: Target['folders']): Target {
    const threads = this.#threads;
    const { family, inspection, flags, settings } = this.#data;
    return {
      ...{ family, inspection, flags, folders },
      header: threads.main.header,
      level: () => threads.level,
      setLevel: (level) => threads.setLevel(level),
      uptimeMs: () => threads.main.now(),
      leave: () => this.#departure.leave(),
      isLeaving: () => this.#departure.isAsked(),
      visitors: () => this.#socket?.visitors() ?? 0,
      isAttached: this.#data.attached !== null,
      keepsRecent: settings.recent,
      threads: () => threads.alive().map(({ dumpable }) => dumpable),
      observed: () =>
        threads.alive().map((thread) => ({
          header: thread.header,
          folder: () => thread.folder(),
          // Rows that only the summary leaves out do not matter to a viewer.
          rows: () => thread.inMemory().rows.filter(({ type }) => type !== 'dropped'),
        })),
      onRow: (listener) => {
        this.#viewers.add(listener);
        return () => void this.#viewers.delete(listener);
      },
    };
  }

  #reportError(message: string): void {
    const { main } = this.#threads;
    main.record({ t: main.now(), type: 'agent-error', message });
  }
}

if (!isMainThread && parentPort) {
  calibrateChains();
  new Watchdog(workerData as WatchdogData).start();
}
