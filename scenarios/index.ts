import { blockingLog } from './blocking-log.ts';
import { blockingSleep } from './blocking-sleep.ts';
import { cpuHog } from './cpu-hog.ts';
import { healthy } from './healthy.ts';
import { jsonBomb } from './json-bomb.ts';
import { lateModuleLoad } from './late-module-load.ts';
import { regexBacktracking } from './regex-backtracking.ts';
import { slowRoute } from './slow-route.ts';
import { syncChildProcess } from './sync-child-process.ts';
import { syncCrypto } from './sync-crypto.ts';
import { syncIo } from './sync-io.ts';
import { syncZlib } from './sync-zlib.ts';
import type { Scenario } from './types.ts';

export const scenarios: readonly Scenario[] = [
  blockingLog,
  blockingSleep,
  cpuHog,
  healthy,
  jsonBomb,
  lateModuleLoad,
  regexBacktracking,
  slowRoute,
  syncChildProcess,
  syncCrypto,
  syncIo,
  syncZlib,
];
