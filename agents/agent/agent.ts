import { join, resolve } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread, Worker } from 'node:worker_threads';
import { familyName } from '../../src/recording/paths.ts';
import { printOnce } from '../../src/util/print-line.ts';
import { createSensor, guarded, messageOf } from '../guard.ts';
import { askInspection } from '../inspection.ts';
import {
  apply,
  load,
  min,
  monotonicMs,
  NativeBoolean,
  NativeDate,
  NativeNumber,
  NativeString,
  notify,
  process,
  store,
  wait,
  wallMs,
} from '../primordials.ts';
import type { DelayHistogram } from '../samplers/types.ts';
import { readSettings } from '../settings.ts';
import {
  HEARTBEAT_MS,
  type SharedMemory,
  STOP_AT_ONCE,
  Sum,
  WATCHDOG_FAILED,
  WATCHDOG_FINISHED,
  WATCHDOG_READY,
  Word,
} from '../shared-memory.ts';
import { endThread, type ThreadGate } from '../thread-gate.ts';
import type { Message, WatchdogData } from '../watchdog/types.ts';
import { createForcedExit, type ForcedExit } from './forced-exit.ts';
import { hideOwnFrames } from './hidden-frames.ts';
import { observeThisThread } from './observed-thread.ts';
import { type AnyFunction, like, replace } from './replace.ts';
import { openThreadGate } from './terminations.ts';
import { boundUnread } from './unread.ts';
import { followListeners, listenUnseen } from './unseen-listeners.ts';
import { followWorkers, startInWorker } from './worker-thread.ts';

/** The exit waits at most this long for the watchdog's last rows and summary. */
const EXIT_WAIT_MS = 1500;
/** A process that ends before its watchdog could start (about 50 ms) is not held up for it. */
const YOUNG_PROCESS_MS = 250;
const YOUNG_POLL_MS = 5;
/** One call on storage that takes longer is not waited for. */
const STUCK_MS = 500;
/** Old-generation bound of the watchdog's heap: a runaway watchdog ends itself, not its host. */
const WATCHDOG_HEAP_MB = 96;

function complain(message: string): void {
  printOnce(`evdiag: ${message}`);
}

function start(): void {
  const { settings, problems } = readSettings(process.env, (path) => resolve(path));
  if (!settings.quiet) problems.forEach(complain);
  let watchdog: Worker | null = null;
  const histogram = monitorEventLoopDelay({ resolution: HEARTBEAT_MS });
  // Before it is cloned for the watchdog: a handle cloned earlier stays empty.
  histogram.enable();
  const delays = histogram as unknown as DelayHistogram;
  const bound = boundUnread();
  const gate = openThreadGate();
  const { shared, atExit } = observeThisThread(
    delays,
    settings.level === 'diagnose',
    gate,
    (sample) => {
      if (shared.control[Word.WatchdogState] === WATCHDOG_FAILED) return false;
      const bounded = bound(sample, shared.control);
      if (bounded) watchdog?.postMessage({ type: 'sample', threadId: 0, sample: bounded } satisfies Message);
      return true;
    },
    complain,
  );
  const family = settings.family ?? join(settings.out, familyName(process.pid, new NativeDate()));
  const data: WatchdogData = {
    thread: {
      threadId: 0,
      nativeId: process.pid,
      shared,
      beats: delays,
      startMonotonicMs: NativeNumber(process.hrtime.bigint()) / 1e6,
      startedAtMs: wallMs(),
      gated: true,
    },
    settings,
    family,
    argv: [process.argv0, ...process.execArgv, ...process.argv.slice(1)],
    parentPid: process.ppid,
    problems,
    gate,
    inspection: askInspection(),
    flags: [...process.execArgv, process.env.NODE_OPTIONS, process.env.NODE_V8_COVERAGE && 'coverage'].join(' '),
    color: NativeBoolean(process.env.FORCE_COLOR) || (!process.env.NO_COLOR && isTerminal()),
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
    complain(
      `the watchdog stopped: ${NativeString(error?.message ?? error).split('\n')[0]}; the program goes on unobserved`,
    );
  });
  watchdog.unref();
  process.env.EVDIAG_FAMILY = family;

  const ours = watchdog;
  followWorkers((threadId) => ours.postMessage({ type: 'thread-gone', threadId } satisfies Message), ours);
  followSignalHandlers(shared);
  const onExit = (code: number): void => {
    // Worker threads end with the process.
    endThread(gate, 0);
    atExit();
    finish(shared.control, code, forced);
  };
  store(shared.control, Word.Quiet, settings.quiet ? 1 : 0);
  const forced = createForcedExit(exitOf(process));
  listenUnseen(process, 'exit', onExit);
  followExit(shared.control, gate, forced);
  hideOwnFrames(data.inspection);
}

/**
 * Whoever has taken away the listeners of `exit`, or calls `process.reallyExit` directly, ends without that event: Node would
 * say that it waits for the watchdog's session to disconnect.
 */
function followExit(control: Int32Array, gate: ThreadGate, forced: ForcedExit): void {
  const holder = process as unknown as Record<string, unknown>;
  const original = holder.reallyExit as AnyFunction;
  if (typeof original !== 'function') return;
  const leave = guarded(createSensor('the exit', true), (status: unknown) => {
    const code = NativeNumber(status ?? 0);
    endThread(gate, 0);
    if (load(control, Word.Stop) === 0) finish(control, code, forced, 'exit');
    forced.go(code);
  });
  const wrapper = like(original, function markedCall(this: unknown, ...args) {
    leave(args[0]);
    return apply(original, this, args);
  });
  replace(holder, 'reallyExit', original, wrapper);
}

function exitOf(holder: object): (code: number) => void {
  const { reallyExit } = holder as { reallyExit: AnyFunction };
  return (code) => void apply(reallyExit, holder, [code]);
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
  const sensor = createSensor('following the handlers of signals', true);
  const follow = (signal: string, word: number): void =>
    followListeners(
      process,
      signal,
      guarded(sensor, (isHandled: boolean) => {
        // Not where there was none.
        if (!isHandled && load(control, word) === 1) numbers[Sum.HandlerRemovedAt] = wallMs();
        store(control, word, isHandled ? 1 : 0);
      }),
    );
  follow('SIGINT', Word.HandlesSigint);
  follow('SIGTERM', Word.HandlesSigterm);
}

/** Lets the watchdog write its last rows and print the summary, for a bounded time; then the process ends all the same. */
function finish(control: Int32Array, code: number, forced: ForcedExit, way?: 'exit'): void {
  store(control, Word.ExitCode, code);
  store(control, Word.Stop, 1);
  notify(control, Word.Stop);
  const atStorage = (): boolean => load(control, Word.Storage) % 2 !== 0;
  const isYoung = load(control, Word.WatchdogState) !== WATCHDOG_READY && monotonicMs() < YOUNG_PROCESS_MS;
  // It begins no work on storage from then on.
  if (isYoung) store(control, Word.Stop, STOP_AT_ONCE);
  if (isYoung && !atStorage()) return;
  const deadline = monotonicMs() + EXIT_WAIT_MS;
  let at = load(control, Word.Storage);
  let since = monotonicMs();
  for (let left = EXIT_WAIT_MS; left > 0; left = deadline - monotonicMs()) {
    const state = load(control, Word.WatchdogState);
    if (state === WATCHDOG_FINISHED || state === WATCHDOG_FAILED || (isYoung && !atStorage())) return;
    wait(control, Word.WatchdogState, state, min(left, isYoung ? YOUNG_POLL_MS : STUCK_MS / 2));
    if (load(control, Word.Storage) === at) continue;
    at = load(control, Word.Storage);
    since = monotonicMs();
  }
  // What is not on storage now gets there no more, and Node can end it.
  store(control, Word.Stop, STOP_AT_ONCE);
  while (atStorage() && monotonicMs() - since < STUCK_MS)
    wait(control, Word.Storage, load(control, Word.Storage), YOUNG_POLL_MS);
  if (!atStorage()) return;
  if (!control[Word.Quiet]) complain('the storage of the recording does not answer; the last rows are not written');
  forced.begin(code, true, way);
}

/** Where Node remembers which file a name stands for. */
function forgetPath(): void {
  const { _pathCache: paths } = require('node:module') as { _pathCache?: Record<string, string> };
  for (const name in paths) if (paths[name] === __filename) delete paths[name];
}

/** Loaded by -r, --import and NODE_OPTIONS at once, it starts once: the bundle begins with a line that returns then. */
function begin(): void {
  // The program does not see it among its modules.
  delete require.cache[__filename];
  forgetPath();
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

begin();
