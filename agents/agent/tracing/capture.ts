import type { TraceNames, TraceRequest } from '../../../src/protocol/thread-api.ts';
import { createSensor } from '../../guard.ts';
import { monotonicMs, NativeNumber, process, store } from '../../primordials.ts';
import { hookPromises } from '../../promise-hooks.ts';
import { createTraceMemory, type TraceMemory, TraceWord } from '../../shared-trace.ts';
import { hookWithoutPromises } from '../tracking/handle-hook.ts';
import { followCollections } from './collections.ts';
import { createEventRing } from './event-ring.ts';
import { createNames } from './names.ts';
import { promiseCallbacks } from './promise-callbacks.ts';
import { resourceCallbacks } from './resource-callbacks.ts';
import { SiteSampling } from './site-sampling.ts';

/** The watchdog ends the capture; if it does not, the hooks remove themselves this much later. */
const GRACE_MS = 2000;
const sensor = createSensor('the capture of operations');

export interface RunningCapture {
  memory: TraceMemory;
  names(): TraceNames;
  /** Nothing is written from now on. */
  close(): void;
  /** Removes the hooks: only between two microtasks, because otherwise Node loses count of them. */
  stop(): void;
}

/**
 * Follows each asynchronous operation of the thread: resources by an async hook that is not called for promises, promises
 * by V8's own hooks. So the collection of promises need not be reported, which would cost five times as much,
 * while the end of timers and handles is.
 */
export function startCapture({ id, durationMs }: TraceRequest, onOver: () => void): RunningCapture {
  const startMs = monotonicMs();
  const memory = createTraceMemory(id, NativeNumber(process.hrtime.bigint()) / 1e6);
  const names = createNames();
  const sites = new SiteSampling(names, startMs);
  const { write, close } = createEventRing(memory, startMs, durationMs + GRACE_MS, onOver);
  const collections = followCollections(write, sensor);
  const ofResources = resourceCallbacks(write, sites, names, sensor);
  // In this order: on Node 20 the hooks of promises are restored after the other hook is enabled.
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
      hook.disable();
      stopPromises();
      collections.stop();
      store(memory.control, TraceWord.Off, 1);
    },
  };
}
