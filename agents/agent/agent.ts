import { writeSync } from 'node:fs';
import { url as debuggerUrl } from 'node:inspector';
import { join, resolve } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread, Worker } from 'node:worker_threads';
import { familyName } from '../../src/recording/paths.ts';
import type { Row } from '../../src/recording/types.ts';
import { samplers } from '../samplers/index.ts';
import type { DelayHistogram, RunningSampler, SamplerContext } from '../samplers/types.ts';
import { readSettings } from '../settings.ts';
import {
  AGENT_KEY,
  createSharedMemory,
  type SharedMemory,
  Sum,
  WATCHDOG_FAILED,
  WATCHDOG_FINISHED,
  WATCHDOG_READY,
  Word,
} from '../shared-memory.ts';
import type { WatchdogData } from '../watchdog/types.ts';
import { load, monotonicMs, notify, store, wait, wallMs } from './primordials.ts';
import { interruptedStack } from './stack.ts';
import { markSyncCalls } from './sync-calls.ts';

/** How often the samplers of the main thread are read. */
const SAMPLE_INTERVAL_MS = 1000;
/** The first look at a new process: a stall in its first second is to be judged too. */
const FIRST_SAMPLE_MS = 100;
/** Resolution of the heartbeat. */
const HEARTBEAT_MS = 10;
/** The exit waits at most this long for the watchdog's last rows and summary. */
const EXIT_WAIT_MS = 1500;
/** A process that ends before its watchdog could start (about 50 ms) is not held up for it. */
const YOUNG_PROCESS_MS = 250;
/** Old-generation bound of the watchdog's heap: a runaway watchdog ends itself, not its host. */
const WATCHDOG_HEAP_MB = 96;

const stopTimer = clearInterval;
const preloadStart = monotonicMs();

function complain(message: string): void {
  try {
    writeSync(2, `evdiag: ${message}\n`);
  } catch {
    // Nobody listens to stderr: nothing can be said, nothing may be thrown.
  }
}

function start(): void {
  const { settings, problems } = readSettings(process.env, (path) => resolve(path));
  if (!settings.quiet) problems.forEach(complain);
  const shared = createSharedMemory();
  const histogram = monitorEventLoopDelay({ resolution: HEARTBEAT_MS });
  // Before it is cloned for the watchdog: a handle cloned earlier stays empty.
  histogram.enable();
  const family = settings.family ?? join(settings.out, familyName(process.pid, new Date()));
  const running = samplers.filter((sampler) => settings.level === 'diagnose' || sampler.level === 'watch');
  const data: WatchdogData = {
    shared,
    histogram: histogram as unknown as DelayHistogram,
    settings,
    family,
    argv: [process.argv0, ...process.execArgv, ...process.argv.slice(1)],
    parentPid: process.ppid,
    problems,
    samplers: running.map(({ id }) => id),
    startMonotonicMs: Number(process.hrtime.bigint()) / 1e6,
    startedAtMs: wallMs(),
    color: Boolean(process.env.FORCE_COLOR) || (!process.env.NO_COLOR && isTerminal()),
  };
  const watchdog = new Worker(join(__dirname, 'watchdog.cjs'), {
    workerData: data,
    // For the watchdog's thread alone: its signal handle has no public door.
    execArgv: ['--expose-internals', '--no-warnings'],
    env: {},
    // Its streams stay its own: piping them would open the host's stdout here, and make its pipe non-blocking.
    stdout: true,
    stderr: true,
    trackUnmanagedFds: false,
    name: 'evdiag watchdog',
    resourceLimits: { maxOldGenerationSizeMb: WATCHDOG_HEAP_MB, maxYoungGenerationSizeMb: 4 },
  } as ConstructorParameters<typeof Worker>[1]);
  watchdog.on('error', (error) => {
    store(shared.control, Word.WatchdogState, WATCHDOG_FAILED);
    complain(`the watchdog stopped: ${String(error?.message ?? error).split('\n')[0]}; the program goes on unobserved`);
  });
  watchdog.unref();
  process.env.EVDIAG_FAMILY = family;

  let ownMs = 0;
  const context = mainContext(shared, histogram as unknown as DelayHistogram);
  const mine = running.filter(({ thread }) => thread === 'main');
  const active: RunningSampler[] = [];
  for (const sampler of mine) {
    try {
      active.push(sampler.start(context));
    } catch (error) {
      complain(`the sampler ${sampler.id} could not start: ${messageOf(error)}`);
    }
  }
  const sample = (): void => {
    if (shared.control[Word.WatchdogState] === WATCHDOG_FAILED) {
      stopTimer(timer);
      for (const sampler of active) sampler.stop();
      return;
    }
    const begin = monotonicMs();
    const rows: Omit<Row, 't'>[] = [];
    for (const sampler of active) {
      try {
        const row = sampler.read();
        if (row) rows.push(row);
      } catch (error) {
        rows.push({ type: 'agent-error', message: messageOf(error) } as Omit<Row, 't'>);
      }
    }
    store(shared.control, Word.Debugger, debuggerUrl() ? 1 : 0);
    watchdog.postMessage({ rows, mainThreadMs: ownMs });
    ownMs = monotonicMs() - begin;
  };
  const timer = setInterval(sample, SAMPLE_INTERVAL_MS).unref();
  setTimeout(sample, FIRST_SAMPLE_MS).unref();
  store(shared.control, Word.Debugger, debuggerUrl() ? 1 : 0);

  markSyncCalls(shared, settings.level === 'diagnose' ? 1000 : undefined);
  followSignalHandlers(shared);
  process.on('exit', (code) => finish(shared.control, code));
  // Room for the listener above, so that the host is warned of its own at the count that it knows.
  if (process.getMaxListeners() > 0) process.setMaxListeners(process.getMaxListeners() + 1);
  Object.defineProperty(globalThis, Symbol.for(AGENT_KEY), {
    // The histogram is held here: collected, its timer would end and the heartbeat with it.
    value: { stack: () => countStack(shared, histogram.count), preloadMs: monotonicMs() - preloadStart, histogram },
  });
}

function isTerminal(): boolean {
  return (require('node:tty') as typeof import('node:tty')).isatty(2);
}

function countStack(shared: SharedMemory, count: number): string {
  const begin = monotonicMs();
  const text = interruptedStack(count);
  shared.control[Word.StackCount]!++;
  shared.numbers[Sum.StackMs]! += monotonicMs() - begin;
  return text;
}

function mainContext({ numbers }: SharedMemory, histogram: DelayHistogram): SamplerContext {
  return {
    histogram,
    addGcMs(ms) {
      numbers[Sum.GcMs]! += ms;
    },
    heartbeatMaxMs: () => 0,
    mainThread: () => null,
    ownCost: () => ({ mainThreadMs: 0, watchdogMs: null, stacks: 0, recordingBytes: 0 }),
  };
}

/**
 * Tells the watchdog whether the application handles SIGINT and SIGTERM. Where it does not, the signal ends the
 * process: the watchdog, which hears it even while the loop is blocked, prints the summary first.
 */
function followSignalHandlers({ control, numbers }: SharedMemory): void {
  const words: Record<string, number> = { SIGINT: Word.HandlesSigint, SIGTERM: Word.HandlesSigterm };
  const update = (event: string | symbol, listeners: number): void => {
    const word = typeof event === 'string' ? words[event] : undefined;
    if (word === undefined) return;
    if (listeners === 0) numbers[Sum.HandlerRemovedAt] = wallMs();
    store(control, word, listeners > 0 ? 1 : 0);
  };
  for (const [signal, word] of Object.entries(words)) {
    store(control, word, process.listenerCount(signal) > 0 ? 1 : 0);
  }
  process.on('newListener', (event) => update(event, 1));
  process.on('removeListener', (event) => update(event, process.listenerCount(event)));
}

/** Lets the watchdog write its last rows and print the summary, for a bounded time. */
function finish(control: Int32Array, code: number): void {
  store(control, Word.ExitCode, code);
  store(control, Word.Stop, 1);
  notify(control, Word.Stop);
  const ready = (): boolean => load(control, Word.WatchdogState) === WATCHDOG_READY;
  if (!ready() && monotonicMs() < YOUNG_PROCESS_MS) return;
  const deadline = monotonicMs() + EXIT_WAIT_MS;
  for (;;) {
    const state = load(control, Word.WatchdogState);
    const left = deadline - monotonicMs();
    if (state === WATCHDOG_FINISHED || state === WATCHDOG_FAILED || left <= 0) return;
    wait(control, Word.WatchdogState, state, left);
  }
}

function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n')[0] ?? text;
}

// Loaded by -r, --import and NODE_OPTIONS at once, it starts once; threads of the application are not observed.
if (isMainThread && !(Symbol.for(AGENT_KEY) in globalThis)) {
  try {
    start();
  } catch (error) {
    const denied = (error as NodeJS.ErrnoException)?.code === 'ERR_ACCESS_DENIED';
    complain(
      denied
        ? 'not observing: the permission model forbids worker threads; add --allow-worker and --allow-fs-write for the recording'
        : `not observing: ${messageOf(error)}`,
    );
  }
}
