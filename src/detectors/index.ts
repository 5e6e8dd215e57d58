import { blockedEventLoop } from './blocked-event-loop.ts';
import { cpuBoundMainThread } from './cpu-bound-main-thread.ts';
import { deepAsyncChain } from './deep-async-chain.ts';
import { gcPause } from './gc-pause.ts';
import { gcPressure } from './gc-pressure.ts';
import { overloadedEventLoop } from './overloaded-event-loop.ts';
import { recordingQuality } from './recording-quality.ts';
import { starvedEventLoop } from './starved-event-loop.ts';
import { taskSwitchChurn } from './task-switch-churn.ts';
import { timerStorm } from './timer-storm.ts';
import type { Detector } from './types.ts';

export const detectors: readonly Detector[] = [
  blockedEventLoop,
  cpuBoundMainThread,
  deepAsyncChain,
  gcPause,
  gcPressure,
  overloadedEventLoop,
  recordingQuality,
  starvedEventLoop,
  taskSwitchChurn,
  timerStorm,
];
