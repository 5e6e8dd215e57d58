import type { TraceNames, TraceRequest } from '../../../src/protocol/thread-api.ts';
import { createSensor } from '../../guard.ts';
import { monotonicMs, NativeNumber, process, store } from '../../primordials.ts';
import { hookPromises } from '../../promise-hooks.ts';
import { createTraceMemory, type TraceMemory, TraceWord } from '../../shared-trace.ts';
import { disableHook } from '../own-hooks.ts';
import { hookWithoutPromises } from '../tracking/handle-hook.ts';
import { followCollections } from './collections.ts';
import { createEventRing } from './event-ring.ts';
import { createNames } from './names.ts';
import { promiseCallbacks } from './promise-callbacks.ts';
import { resourceCallbacks } from './resource-callbacks.ts';
import { SiteSampling } from './site-sampling.ts';

/** The watchdog ends the capture; where it does not, the hooks go by themselves so much later. */
const GRACE_MS = 2000;
const sensor = createSensor('the capture of operations');

export interface RunningCapture {
  memory: TraceMemory;
  names(): TraceNames;
  /** From now on nothing is written any more. */
  close(): void;
  /** Takes the hooks away: between two microtasks only, as Node loses count of them else. */
  stop(): void;
}

/**
 * Follows each asynchronous operation of the thread: resources by an async hook that is not called for promises, promises
 * by V8's own hooks. So promises need not be told of when they are collected, which would cost five times as much,
 * while timers and handles are told of when they are gone.
 */
export function startCapture({ id, durationMs }: TraceRequest, onOver: () => void): RunningCapture {
  const startMs = monotonicMs();
  const memory = createTraceMemory(id, NativeNumber(process.hrtime.bigint()) / 1e6);
  const names = createNames();
  const sites = new SiteSampling(names, startMs);
  const { write, close } = createEventRing(memory, startMs, durationMs + GRACE_MS, onOver);
  const collections = followCollections(write, sensor);
  const ofResources = resourceCallbacks(write, sites, names, sensor);
  // In this order: on Node 20 the hooks of promises are put back as they were once the other hook is there.
  const stopPromises = hookPromises(promiseCallbacks(write, sites, sensor));
  const hook = hookWithoutPromises(ofResources);
  collections.start();

  let endMs: number | null = null;
  return {
    memory,
    names: () => ({ ...names.all(), spanMs: (endMs ?? monotonicMs()) - startMs }),
    close() {
      if (endMs !== null) return;
      collections.flush();
      endMs = monotonicMs();
      close();
    },
    stop() {
      disableHook(hook);
      stopPromises();
      collections.stop();
      store(memory.control, TraceWord.Off, 1);
    },
  };
}
