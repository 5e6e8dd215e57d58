import { allocationChurn } from './allocation-churn.ts';
import { blockingLog } from './blocking-log.ts';
import { blockingSleep } from './blocking-sleep.ts';
import { busyPolling } from './busy-polling.ts';
import { cpuHog } from './cpu-hog.ts';
import { deepRecursion } from './deep-recursion.ts';
import { generatorChurn } from './generator-churn.ts';
import { healthy } from './healthy.ts';
import { jsonBomb } from './json-bomb.ts';
import { lateModuleLoad } from './late-module-load.ts';
import { microtaskStarvation } from './microtask-starvation.ts';
import { mixedLoad } from './mixed-load.ts';
import { nexttickStarvation } from './nexttick-starvation.ts';
import { overloadedLoop } from './overloaded-loop.ts';
import { regexBacktracking } from './regex-backtracking.ts';
import { slowRoute } from './slow-route.ts';
import { syncChildProcess } from './sync-child-process.ts';
import { syncCrypto } from './sync-crypto.ts';
import { syncDatabase } from './sync-database.ts';
import { syncIo } from './sync-io.ts';
import { syncZlib } from './sync-zlib.ts';
import { taskSwitchChurn } from './task-switch-churn.ts';
import { timerStorm } from './timer-storm.ts';
import type { Scenario } from './types.ts';

export const scenarios: readonly Scenario[] = [
  allocationChurn,
  blockingLog,
  blockingSleep,
  busyPolling,
  cpuHog,
  deepRecursion,
  generatorChurn,
  healthy,
  jsonBomb,
  lateModuleLoad,
  microtaskStarvation,
  mixedLoad,
  nexttickStarvation,
  overloadedLoop,
  regexBacktracking,
  slowRoute,
  syncChildProcess,
  syncCrypto,
  syncDatabase,
  syncIo,
  syncZlib,
  taskSwitchChurn,
  timerStorm,
];
