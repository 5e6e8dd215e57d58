import { join, resolve } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread, Worker } from 'node:worker_threads';
import type { AttachOptions } from '../../src/protocol/attach-options.ts';
import { familyName } from '../../src/recording/paths.ts';
import { createSensor, guarded, messageOf } from '../guard.ts';
import type { Inspection } from '../inspection.ts';
import {
  assign,
  load,
  max,
  min,
  NativeDate,
  NativeNumber,
  NativeString,
  notify,
  process,
  store,
  wallMs,
} from '../primordials.ts';
import type { DelayHistogram } from '../samplers/types.ts';
import { budgetOf, readSettings } from '../settings.ts';
import {
  HEARTBEAT_MS,
  type SharedMemory,
  STOP_LEFT,
  Sum,
  WATCHDOG_FAILED,
  WATCHDOG_FINISHED,
  Word,
} from '../shared-memory.ts';
import type { ThreadGate } from '../thread-gate.ts';
import type { Message, WatchdogData } from '../watchdog/types.ts';
import { attachOptions } from './attach-options.ts';
import { complain } from './complain.ts';
import { showCallersOfNatives } from './crash-excerpt.ts';
import { followExit } from './exit.ts';
import { hideOwnFrames } from './hidden-frames.ts';
import { onLeave } from './leaving.ts';
import { followEndsWithoutExit } from './let-go.ts';
import { lookInside } from './node-internals.ts';
import { ObservedThread } from './observed-thread.ts';
import { openThreadGate } from './terminations.ts';
import { boundUnread } from './unread.ts';
import { followListeners } from './unseen-listeners.ts';
import { followWorkers, startInWorker } from './worker-thread.ts';

/** Limit of the watchdog's old generation: a runaway watchdog ends itself, not its host. */
const WATCHDOG_HEAP_MB = 96;

/** It begins now. */
function watchdogData(
  { settings, problems }: ReturnType<typeof readSettings>,
  attached: AttachOptions | null,
  thread: Pick<WatchdogData['thread'], 'shared' | 'beats'>,
  gate: ThreadGate,
  inspection: Inspection,
): WatchdogData {
  return {
    thread: {
      ...thread,
      threadId: 0,
      nativeId: process.pid,
      startMonotonicMs: NativeNumber(process.hrtime.bigint()) / 1e6,
      startedAtMs: wallMs(),
      gated: true,
    },
    settings,
    attached,
    family: settings.family ?? join(settings.out, familyName(process.pid, new NativeDate())),
    argv: [process.argv0, ...process.execArgv, ...process.argv.slice(1)],
    parentPid: process.ppid,
    problems,
    gate,
    inspection,
    flags: [...process.execArgv, process.env.NODE_OPTIONS, process.env.NODE_V8_COVERAGE && 'coverage'].join(' '),
    threadPoolSize: threadPoolSize(process.env.UV_THREADPOOL_SIZE),
    folders: folderVariables(process.env),
  };
}

function startWatchdog(data: WatchdogData): Worker {
  const watchdog = new Worker(join(__dirname, 'watchdog.cjs'), {
    workerData: data,
    // Only for the watchdog's thread: its signal handle has no public API.
    execArgv: ['--expose-internals', '--no-warnings'],
    env: {},
    // Its streams are not piped: that would open the host's stdout here, and make its pipe non-blocking.
    stdout: true,
    stderr: true,
    trackUnmanagedFds: false,
    name: 'evdiag watchdog',
    resourceLimits: { maxOldGenerationSizeMb: WATCHDOG_HEAP_MB, maxYoungGenerationSizeMb: 4 },
  } as ConstructorParameters<typeof Worker>[1]);
  const { control } = data.thread.shared;
  const failed = (why: string): void => {
    const state = load(control, Word.WatchdogState);
    if (state === WATCHDOG_FINISHED || state === WATCHDOG_FAILED) return;
    store(control, Word.WatchdogState, WATCHDOG_FAILED);
    complain(`the watchdog stopped: ${why}; the program goes on unobserved`);
  };
  watchdog.on('error', (error) => failed(NativeString(error?.message ?? error).split('\n')[0]!));
  // Without it the exit would wait for an answer.
  watchdog.on('exit', () => failed('it was terminated'));
  watchdog.unref();
  return watchdog;
}

function start(): void {
  const attached = attachOptions();
  const read = readSettings(assign({}, process.env, attached?.env), (path) => resolve(path));
  const { settings, problems } = read;
  if (!settings.quiet) problems.forEach(complain);
  let watchdog: Worker | null = null;
  const histogram = monitorEventLoopDelay({ resolution: HEARTBEAT_MS });
  // Before it is cloned for the watchdog: an earlier clone stays empty.
  histogram.enable();
  const beats = histogram as unknown as DelayHistogram;
  const bound = boundUnread();
  const gate = openThreadGate();
  const { inspection, internals } = lookInside();
  const observed = new ObservedThread({
    histogram: beats,
    diagnose: settings.level === 'diagnose',
    budgetShare: budgetOf(settings, settings.level),
    gcByKind: settings.metrics !== null,
    followsOrigins: settings.whyMs !== null,
    gate,
    internals,
    post(sample) {
      if (shared.control[Word.WatchdogState] === WATCHDOG_FAILED) return false;
      const bounded = bound(sample, shared.control);
      if (bounded) watchdog?.postMessage({ type: 'sample', threadId: 0, sample: bounded } satisfies Message);
      return true;
    },
    left() {
      histogram.disable();
      store(shared.control, Word.Stop, STOP_LEFT);
      notify(shared.control, Word.Stop);
    },
    complain,
  });
  const { shared, atExit } = observed;
  const data = watchdogData(read, attached, { shared, beats }, gate, inspection);
  const ours = startWatchdog(data);
  watchdog = ours;
  ours.on('message', observed.leave);
  // Whoever listens to it keeps the process alive.
  ours.unref();
  setFamily(data.family);
  followWorkers((threadId) => ours.postMessage({ type: 'thread-gone', threadId } satisfies Message), ours);
  followSignalHandlers(shared);
  store(shared.control, Word.Quiet, settings.quiet ? 1 : 0);
  followExit(shared.control, gate, atExit);
  followEndsWithoutExit(shared.control);
  hideOwnFrames(internals);
  showCallersOfNatives(internals);
}

/** Processes that this one starts belong to its family. */
function setFamily(family: string): void {
  const before = process.env.EVDIAG_FAMILY;
  process.env.EVDIAG_FAMILY = family;
  onLeave(() => {
    if (process.env.EVDIAG_FAMILY !== family) return;
    if (before === undefined) delete process.env.EVDIAG_FAMILY;
    else process.env.EVDIAG_FAMILY = before;
  });
}

/** As libuv reads it. */
function threadPoolSize(setting: string | undefined): number {
  const size = setting === undefined ? 4 : NativeNumber(setting) || 1;
  return max(1, min(1024, size));
}

function folderVariables({ XDG_RUNTIME_DIR, TMPDIR, TMP, TEMP }: NodeJS.ProcessEnv): WatchdogData['folders'] {
  return { XDG_RUNTIME_DIR, TMPDIR, TMP, TEMP };
}

/**
 * Informs the watchdog whether the application handles SIGINT and SIGTERM. If not, the signal ends the
 * process: the watchdog, which receives it even while the loop is blocked, prints the summary first.
 */
function followSignalHandlers({ control, numbers }: SharedMemory): void {
  const sensor = createSensor('following the handlers of signals', true);
  const follow = (signal: string, word: number, removedAt: number): void =>
    followListeners(
      process,
      signal,
      guarded(sensor, (isHandled: boolean) => {
        // Not if there was none.
        if (!isHandled && load(control, word) === 1) numbers[removedAt] = wallMs();
        store(control, word, isHandled ? 1 : 0);
      }),
    );
  follow('SIGINT', Word.HandlesSigint, Sum.SigintRemovedAt);
  follow('SIGTERM', Word.HandlesSigterm, Sum.SigtermRemovedAt);
}

/** Where Node caches the file of a name. */
function forgetPath(): void {
  const { _pathCache: paths } = require('node:module') as { _pathCache?: Record<string, string> };
  for (const name in paths) if (paths[name] === __filename) delete paths[name];
}

/** Node 22 to 26 abort where a worker thread of such a program loads node:net, as the watchdog does. */
function isFromSnapshot(): boolean {
  const isBuilt = process.execArgv.some((option) => option === '--build-snapshot');
  const major = NativeNumber(process.versions.node.split('.')[0]);
  return !isBuilt && major > 20 && process.execArgv.some((option) => option.startsWith('--snapshot-blob'));
}

/** If it is loaded by -r, --import and NODE_OPTIONS, it starts only once: the first line of the bundle returns then. */
function begin(): void {
  // The program does not see it among its modules.
  delete require.cache[__filename];
  forgetPath();
  if (isFromSnapshot()) {
    if (isMainThread)
      complain(
        'not observing: Node aborts where a program that was started from a snapshot has worker threads with sockets',
      );
    return;
  }
  try {
    if (isMainThread) start();
    else startInWorker(attachOptions());
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
