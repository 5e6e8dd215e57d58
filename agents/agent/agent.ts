import { writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread, Worker } from 'node:worker_threads';
import { familyName } from '../../src/recording/paths.ts';
import { askInspection } from '../inspection.ts';
import { load, monotonicMs, notify, store, wait, wallMs } from '../primordials.ts';
import type { DelayHistogram } from '../samplers/types.ts';
import { readSettings } from '../settings.ts';
import {
  AGENT_KEY,
  HEARTBEAT_MS,
  type SharedMemory,
  Sum,
  WATCHDOG_FAILED,
  WATCHDOG_FINISHED,
  WATCHDOG_READY,
  Word,
} from '../shared-memory.ts';
import type { ChannelMessage, WatchdogData } from '../watchdog/types.ts';
import { messageOf, observeThisThread } from './observed-thread.ts';
import { type AnyFunction, like, replace } from './replace.ts';
import { followWorkers, roomForListener, startInWorker } from './worker-thread.ts';

/** The exit waits at most this long for the watchdog's last rows and summary. */
const EXIT_WAIT_MS = 1500;
/** A process that ends before its watchdog could start (about 50 ms) is not held up for it. */
const YOUNG_PROCESS_MS = 250;
/** Old-generation bound of the watchdog's heap: a runaway watchdog ends itself, not its host. */
const WATCHDOG_HEAP_MB = 96;

const { apply } = Reflect;

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
  let watchdog: Worker | null = null;
  const histogram = monitorEventLoopDelay({ resolution: HEARTBEAT_MS });
  // Before it is cloned for the watchdog: a handle cloned earlier stays empty.
  histogram.enable();
  const delays = histogram as unknown as DelayHistogram;
  const { shared, atExit } = observeThisThread(
    delays,
    settings.level === 'diagnose',
    (sample) => {
      if (shared.control[Word.WatchdogState] === WATCHDOG_FAILED) return false;
      watchdog?.postMessage({ type: 'sample', threadId: 0, sample } satisfies ChannelMessage);
      return true;
    },
    complain,
  );
  const family = settings.family ?? join(settings.out, familyName(process.pid, new Date()));
  const data: WatchdogData = {
    thread: {
      threadId: 0,
      nativeId: process.pid,
      shared,
      beats: delays,
      startMonotonicMs: Number(process.hrtime.bigint()) / 1e6,
      startedAtMs: wallMs(),
    },
    settings,
    family,
    argv: [process.argv0, ...process.execArgv, ...process.argv.slice(1)],
    parentPid: process.ppid,
    problems,
    inspection: askInspection(),
    color: Boolean(process.env.FORCE_COLOR) || (!process.env.NO_COLOR && isTerminal()),
    folders: folderVariables(process.env),
  };
  watchdog = new Worker(join(__dirname, 'watchdog.cjs'), {
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

  const ours = watchdog;
  followWorkers((threadId) => ours.postMessage({ type: 'thread-gone', threadId } satisfies ChannelMessage), ours);
  followSignalHandlers(shared);
  process.on('exit', (code) => {
    atExit();
    finish(shared.control, code);
  });
  followExit(shared.control);
  roomForListener();
}

/**
 * Whoever has taken away the listeners of `exit`, or calls `process.reallyExit` directly, ends without that event: Node would
 * say that it waits for the watchdog's session to disconnect.
 */
function followExit(control: Int32Array): void {
  const holder = process as unknown as Record<string, unknown>;
  const original = holder.reallyExit as AnyFunction;
  if (typeof original !== 'function') return;
  const wrapper = like(original, function markedCall(this: unknown, ...args) {
    if (load(control, Word.WatchdogState) === WATCHDOG_READY) finish(control, Number(args[0] ?? 0));
    return apply(original, this, args);
  });
  replace(holder, 'reallyExit', original, wrapper);
}

function folderVariables({ XDG_RUNTIME_DIR, TMPDIR, TMP, TEMP }: NodeJS.ProcessEnv): WatchdogData['folders'] {
  return { XDG_RUNTIME_DIR, TMPDIR, TMP, TEMP };
}

function isTerminal(): boolean {
  return (require('node:tty') as typeof import('node:tty')).isatty(2);
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

// Loaded by -r, --import and NODE_OPTIONS at once, it starts once.
if (!(Symbol.for(AGENT_KEY) in globalThis)) {
  try {
    if (isMainThread) start();
    else startInWorker();
  } catch (error) {
    const denied = (error as NodeJS.ErrnoException)?.code === 'ERR_ACCESS_DENIED';
    complain(
      denied
        ? 'not observing: the permission model forbids worker threads; add --allow-worker and --allow-fs-write for the recording'
        : `not observing: ${messageOf(error)}`,
    );
  }
}
