import type { Detector } from '../types.ts';
import { asyncDeadlock } from './async-deadlock.ts';
import { blockedEventLoop } from './blocked-event-loop.ts';
import { cancellationWithoutCleanup } from './cancellation-without-cleanup.ts';
import { chattyFileIo } from './chatty-file-io.ts';
import { connectionChurn } from './connection-churn.ts';
import { costlyAsyncHooks } from './costly-async-hooks.ts';
import { cpuBoundMainThread } from './cpu-bound-main-thread.ts';
import { deepAsyncChain } from './deep-async-chain.ts';
import { exhaustedConnectionPool } from './exhausted-connection-pool.ts';
import { floatingPromises } from './floating-promises.ts';
import { gcPause } from './gc-pause.ts';
import { gcPressure } from './gc-pressure.ts';
import { growingExternalMemory } from './growing-external-memory.ts';
import { growingHeap } from './growing-heap.ts';
import { growingPendingAsync } from './growing-pending-async.ts';
import { growingWorkers } from './growing-workers.ts';
import { heavyMessages } from './heavy-messages.ts';
import { ignoredBackpressure } from './ignored-backpressure.ts';
import { leakSuspect } from './leak-suspect.ts';
import { leakedHandles } from './leaked-handles.ts';
import { leakedListeners } from './leaked-listeners.ts';
import { lostAsync } from './lost-async.ts';
import { memoryChurn } from './memory-churn.ts';
import { missingTimeout } from './missing-timeout.ts';
import { orphanedAsync } from './orphaned-async.ts';
import { overloadedEventLoop } from './overloaded-event-loop.ts';
import { recordingQuality } from './recording-quality.ts';
import { repeatedLookups } from './repeated-lookups.ts';
import { saturatedThreadPool } from './saturated-thread-pool.ts';
import { serialAwaits } from './serial-awaits.ts';
import { slowUpstream } from './slow-upstream.ts';
import { starvedEventLoop } from './starved-event-loop.ts';
import { stuckAsync } from './stuck-async.ts';
import { taskSwitchChurn } from './task-switch-churn.ts';
import { timerStorm } from './timer-storm.ts';
import { unboundedConcurrency } from './unbounded-concurrency.ts';
import { unhandledRejections } from './unhandled-rejections.ts';

export const detectors: readonly Detector[] = [
  asyncDeadlock,
  blockedEventLoop,
  cancellationWithoutCleanup,
  chattyFileIo,
  connectionChurn,
  costlyAsyncHooks,
  cpuBoundMainThread,
  deepAsyncChain,
  exhaustedConnectionPool,
  floatingPromises,
  gcPause,
  gcPressure,
  growingExternalMemory,
  growingHeap,
  growingPendingAsync,
  growingWorkers,
  heavyMessages,
  ignoredBackpressure,
  leakSuspect,
  leakedHandles,
  leakedListeners,
  lostAsync,
  memoryChurn,
  missingTimeout,
  orphanedAsync,
  overloadedEventLoop,
  recordingQuality,
  repeatedLookups,
  saturatedThreadPool,
  serialAwaits,
  slowUpstream,
  starvedEventLoop,
  stuckAsync,
  taskSwitchChurn,
  timerStorm,
  unboundedConcurrency,
  unhandledRejections,
];
