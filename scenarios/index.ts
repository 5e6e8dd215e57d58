import { allocationChurn } from './allocation-churn.ts';
import { blockingLog } from './blocking-log.ts';
import { blockingSleep } from './blocking-sleep.ts';
import { busyPolling } from './busy-polling.ts';
import { cancellationWithoutCleanup } from './cancellation-without-cleanup.ts';
import { chattyFileIo } from './chatty-file-io.ts';
import { cloneStorm } from './clone-storm.ts';
import { closureContextLeak } from './closure-context-leak.ts';
import { connectionChurn } from './connection-churn.ts';
import { connectionPoolExhausted } from './connection-pool-exhausted.ts';
import { copyingProxy } from './copying-proxy.ts';
import { costlyAsyncHooks } from './costly-async-hooks.ts';
import { cpuHog } from './cpu-hog.ts';
import { datagramFlood } from './datagram-flood.ts';
import { deadDependency } from './dead-dependency.ts';
import { deepRecursion } from './deep-recursion.ts';
import { failFastAll } from './fail-fast-all.ts';
import { floatingPromises } from './floating-promises.ts';
import { generatorChurn } from './generator-churn.ts';
import { growingCache } from './growing-cache.ts';
import { healthy } from './healthy.ts';
import { heavyIpc } from './heavy-ipc.ts';
import { ignoredBackpressure } from './ignored-backpressure.ts';
import { intlPerCall } from './intl-per-call.ts';
import { jsonBomb } from './json-bomb.ts';
import { lateModuleLoad } from './late-module-load.ts';
import { leakedListeners } from './leaked-listeners.ts';
import { leakedSockets } from './leaked-sockets.ts';
import { leakedTasks } from './leaked-tasks.ts';
import { leakedTimers } from './leaked-timers.ts';
import { leakedWorkers } from './leaked-workers.ts';
import { lockOrderDeadlock } from './lock-order-deadlock.ts';
import { lostContext } from './lost-context.ts';
import { lostTasks } from './lost-tasks.ts';
import { lostUpdate } from './lost-update.ts';
import { microtaskStarvation } from './microtask-starvation.ts';
import { missingTimeout } from './missing-timeout.ts';
import { mixedLoad } from './mixed-load.ts';
import { narrowSemaphore } from './narrow-semaphore.ts';
import { nativeAddOn } from './native-add-on.ts';
import { nestedLimit } from './nested-limit.ts';
import { nexttickStarvation } from './nexttick-starvation.ts';
import { overlappingRuns } from './overlapping-runs.ts';
import { overloadedLoop } from './overloaded-loop.ts';
import { pinnedContext } from './pinned-context.ts';
import { processMemoryGrowth } from './process-memory-growth.ts';
import { promiseRaceLeak } from './promise-race-leak.ts';
import { regexBacktracking } from './regex-backtracking.ts';
import { retryStorm } from './retry-storm.ts';
import { serialAwaits } from './serial-awaits.ts';
import { slowRoute } from './slow-route.ts';
import { slowUpstream } from './slow-upstream.ts';
import { stackThroughMaps } from './stack-through-maps.ts';
import { stuckAwait } from './stuck-await.ts';
import { syncChildProcess } from './sync-child-process.ts';
import { syncCrypto } from './sync-crypto.ts';
import { syncDatabase } from './sync-database.ts';
import { syncIo } from './sync-io.ts';
import { syncZlib } from './sync-zlib.ts';
import { taskSwitchChurn } from './task-switch-churn.ts';
import { threadPoolSaturation } from './thread-pool-saturation.ts';
import { timerStorm } from './timer-storm.ts';
import type { Scenario } from './types.ts';
import { unboundedConcurrency } from './unbounded-concurrency.ts';
import { uncachedLookups } from './uncached-lookups.ts';
import { uncloneableMessage } from './uncloneable-message.ts';
import { unreadBody } from './unread-body.ts';
import { workerPerRequest } from './worker-per-request.ts';

export const scenarios: readonly Scenario[] = [
  allocationChurn,
  blockingLog,
  blockingSleep,
  busyPolling,
  cancellationWithoutCleanup,
  chattyFileIo,
  cloneStorm,
  closureContextLeak,
  connectionChurn,
  connectionPoolExhausted,
  copyingProxy,
  costlyAsyncHooks,
  cpuHog,
  datagramFlood,
  deadDependency,
  deepRecursion,
  failFastAll,
  floatingPromises,
  generatorChurn,
  growingCache,
  healthy,
  heavyIpc,
  ignoredBackpressure,
  intlPerCall,
  jsonBomb,
  lateModuleLoad,
  leakedListeners,
  leakedSockets,
  leakedTasks,
  leakedTimers,
  leakedWorkers,
  lockOrderDeadlock,
  lostContext,
  lostTasks,
  lostUpdate,
  microtaskStarvation,
  missingTimeout,
  mixedLoad,
  narrowSemaphore,
  nativeAddOn,
  nestedLimit,
  nexttickStarvation,
  overlappingRuns,
  overloadedLoop,
  pinnedContext,
  processMemoryGrowth,
  promiseRaceLeak,
  regexBacktracking,
  retryStorm,
  serialAwaits,
  slowRoute,
  slowUpstream,
  stackThroughMaps,
  stuckAwait,
  syncChildProcess,
  syncCrypto,
  syncDatabase,
  syncIo,
  syncZlib,
  taskSwitchChurn,
  threadPoolSaturation,
  timerStorm,
  unboundedConcurrency,
  uncachedLookups,
  uncloneableMessage,
  unreadBody,
  workerPerRequest,
];
