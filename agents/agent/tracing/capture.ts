import { executionAsyncId } from 'node:async_hooks';
import { type PerformanceEntry, PerformanceObserver, type PerformanceObserverEntryList } from 'node:perf_hooks';
import { EventKind, TICKS_PER_US } from '../../../src/protocol/async-trace.ts';
import type { TraceNames, TraceRequest } from '../../../src/protocol/thread-api.ts';
import { createSensor, guarded, isOff } from '../../guard.ts';
import { abs, monotonicMs, NativeNumber, NativeSet, process, store } from '../../primordials.ts';
import { hookPromises } from '../../promise-hooks.ts';
import { createTraceMemory, type TraceMemory, TraceWord } from '../../shared-trace.ts';
import { isArming } from '../microtask-turns.ts';
import { hookWithoutPromises } from '../tracking/handle-hook.ts';
import { createSampling, type Sampling } from '../tracking/sampling.ts';
import { currentFrames } from '../tracking/sites.ts';
import { createEventRing } from './event-ring.ts';
import { createNames, TYPES } from './names.ts';
import { createOldResources } from './old-resources.ts';
import { PromiseId } from './promise-ids.ts';

/** Of each second, for the stacks of what is made: ticks are many and tell little. */
const BUDGET_MS = { promises: 60, resources: 60, ticks: 10 } as const;
const ADAPT_MS = 250;
/** The watchdog ends the capture; where it does not, the hooks go by themselves so much later. */
const GRACE_MS = 2000;
const sensor = createSensor('the capture of operations');
const TICKS = new NativeSet(['TickObject', 'Microtask', 'Immediate']);

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
  const old = createOldResources(names);
  const { write, close } = createEventRing(memory, startMs, durationMs + GRACE_MS, onOver);
  const promises = createSampling(BUDGET_MS.promises);
  const resources = createSampling(BUDGET_MS.resources);
  const ticks = createSampling(BUDGET_MS.ticks);
  let adaptedMs = startMs;
  let inside = false;
  let lastPromise = 0;
  let firstResource = NativeNumber.POSITIVE_INFINITY;

  const siteOf = (sampling: Sampling, hook: (...args: never[]) => void): number => {
    if (inside || !sampling.next()) return 0;
    inside = true;
    let site = 0;
    try {
      sampling.spend(() => {
        site = names.site(currentFrames(hook));
      });
      adapt();
    } finally {
      inside = false;
    }
    return site;
  };
  const adapt = (): void => {
    const ms = monotonicMs() - adaptedMs;
    if (ms < ADAPT_MS) return;
    adaptedMs += ms;
    for (const sampling of [promises, resources, ticks]) sampling.adapt(ms);
  };

  const promiseCallbacks = {
    init(promise: object, parent?: object) {
      try {
        if (isOff(sensor) || isArming()) return;
        madePromise(promise, parent, siteOf(promises, promiseCallbacks.init));
      } catch (error) {
        sensor.caught = { error };
      }
    },
    before(promise: object) {
      try {
        if (isOff(sensor)) return;
        const number = abs(PromiseId.of(promise));
        if (number === 0) PromiseId.set(promise, ++lastPromise);
        write(EventKind.PromiseBefore, number === 0 ? 1 : 0, number || lastPromise, 0, 0);
      } catch (error) {
        sensor.caught = { error };
      }
    },
    after(promise: object) {
      try {
        if (!isOff(sensor)) write(EventKind.PromiseAfter, 0, abs(PromiseId.of(promise)), 0, 0);
      } catch (error) {
        sensor.caught = { error };
      }
    },
    settled(promise: object) {
      try {
        if (isOff(sensor)) return;
        const number = PromiseId.of(promise);
        if (number > 0) write(EventKind.Settled, 0, number, 0, 0);
      } catch (error) {
        sensor.caught = { error };
      }
    },
  };
  const madePromise = (promise: object, parent: object | undefined, site: number): void => {
    const number = ++lastPromise;
    const from = parent === undefined ? 0 : abs(PromiseId.of(parent));
    PromiseId.set(promise, parent === undefined || from === 0 ? number : -number);
    write(EventKind.PromiseInit, parent === undefined ? 0 : 1, number, from, site);
  };
  const resourceCallbacks = {
    init(asyncId: number, type: string, trigger: number) {
      try {
        // Where another hook wants them, Node tells of promises here as well.
        if (type === 'PROMISE' || isOff(sensor)) return;
        if (asyncId < firstResource) firstResource = asyncId;
        const site = siteOf(TICKS.has(type) ? ticks : resources, resourceCallbacks.init);
        write(EventKind.Init, names.type(type), asyncId, trigger, site);
      } catch (error) {
        sensor.caught = { error };
      }
    },
    before(asyncId: number) {
      try {
        if (isOff(sensor)) return;
        write(EventKind.Before, asyncId < firstResource ? old.typeOf(asyncId) : TYPES.none, asyncId, 0, 0);
      } catch (error) {
        sensor.caught = { error };
      }
    },
    after(asyncId: number) {
      try {
        if (!isOff(sensor)) write(EventKind.After, 0, asyncId, 0, 0);
      } catch (error) {
        sensor.caught = { error };
      }
    },
    destroy(asyncId: number) {
      try {
        if (!isOff(sensor)) write(EventKind.Destroy, 0, asyncId, 0, 0);
      } catch (error) {
        sensor.caught = { error };
      }
    },
  };
  const collected = (entry: PerformanceEntry): void => {
    const { kind = 0 } = (entry as unknown as { detail?: { kind?: number } }).detail ?? {};
    write(EventKind.Collection, kind, entry.duration * TICKS_PER_US * 1000, 0, 0, entry.startTime);
  };
  const onCollections = guarded(sensor, (list: PerformanceObserverEntryList) => {
    for (const entry of list.getEntries()) collected(entry);
    write(EventKind.Own, 0, executionAsyncId(), 0, 0);
  });
  const observer = new PerformanceObserver(onCollections as (list: PerformanceObserverEntryList) => void);

  // In this order: on Node 20 the hooks of promises are put back as they were once the other hook is there.
  const stopPromises = hookPromises(promiseCallbacks);
  const hook = hookWithoutPromises(resourceCallbacks);
  observer.observe({ entryTypes: ['gc'] });

  let endMs: number | null = null;
  return {
    memory,
    names: () => ({ ...names.all(), spanMs: (endMs ?? monotonicMs()) - startMs }),
    close() {
      if (endMs !== null) return;
      for (const entry of observer.takeRecords()) collected(entry);
      endMs = monotonicMs();
      close();
    },
    stop() {
      hook.disable();
      stopPromises();
      observer.disconnect();
      store(memory.control, TraceWord.Off, 1);
    },
  };
}
