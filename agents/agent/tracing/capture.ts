import { executionAsyncId } from 'node:async_hooks';
import { type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { promiseHooks } from 'node:v8';
import { EventKind, TICKS_PER_US } from '../../../src/recording/async-trace.ts';
import { monotonicMs, store } from '../../primordials.ts';
import {
  createTraceMemory,
  type TraceMemory,
  type TraceNames,
  type TraceRequest,
  TraceWord,
} from '../../shared-trace.ts';
import { isArming } from '../microtask-turns.ts';
import { hookWithoutPromises } from '../tracking/handles.ts';
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
const { abs } = Math;
const TICKS = new Set(['TickObject', 'Microtask', 'Immediate']);

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
  const memory = createTraceMemory(id, Number(process.hrtime.bigint()) / 1e6);
  const names = createNames();
  const old = createOldResources(names);
  const { write, close } = createEventRing(memory, startMs, durationMs + GRACE_MS, onOver);
  const promises = createSampling(BUDGET_MS.promises);
  const resources = createSampling(BUDGET_MS.resources);
  const ticks = createSampling(BUDGET_MS.ticks);
  let adaptedMs = startMs;
  let inside = false;
  let lastPromise = 0;
  let firstResource = Number.POSITIVE_INFINITY;

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
      if (isArming()) return;
      const number = ++lastPromise;
      const site = siteOf(promises, promiseCallbacks.init);
      if (parent === undefined) {
        PromiseId.set(promise, number);
        write(EventKind.PromiseInit, 0, number, 0, site);
        return;
      }
      const from = abs(PromiseId.of(parent));
      PromiseId.set(promise, from === 0 ? number : -number);
      write(EventKind.PromiseInit, 1, number, from, site);
    },
    before(promise: object) {
      const number = abs(PromiseId.of(promise));
      if (number !== 0) write(EventKind.PromiseBefore, 0, number, 0, 0);
      else {
        PromiseId.set(promise, ++lastPromise);
        write(EventKind.PromiseBefore, 1, lastPromise, 0, 0);
      }
    },
    after: (promise: object) => write(EventKind.PromiseAfter, 0, abs(PromiseId.of(promise)), 0, 0),
    settled(promise: object) {
      const number = PromiseId.of(promise);
      if (number > 0) write(EventKind.Settled, 0, number, 0, 0);
    },
  };
  const resourceCallbacks = {
    init(asyncId: number, type: string, trigger: number) {
      // Where another hook wants them, Node tells of promises here as well.
      if (type === 'PROMISE') return;
      if (asyncId < firstResource) firstResource = asyncId;
      const site = siteOf(TICKS.has(type) ? ticks : resources, resourceCallbacks.init);
      write(EventKind.Init, names.type(type), asyncId, trigger, site);
    },
    before(asyncId: number) {
      write(EventKind.Before, asyncId < firstResource ? old.typeOf(asyncId) : TYPES.none, asyncId, 0, 0);
    },
    after: (asyncId: number) => write(EventKind.After, 0, asyncId, 0, 0),
    destroy: (asyncId: number) => write(EventKind.Destroy, 0, asyncId, 0, 0),
  };
  const collected = (entry: PerformanceEntry): void => {
    const { kind = 0 } = (entry as unknown as { detail?: { kind?: number } }).detail ?? {};
    write(EventKind.Collection, kind, entry.duration * TICKS_PER_US * 1000, 0, 0, entry.startTime);
  };
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) collected(entry);
    write(EventKind.Own, 0, executionAsyncId(), 0, 0);
  });

  // In this order: on Node 20 the hooks of promises are put back as they were once the other hook is there.
  type Hooks = Parameters<typeof promiseHooks.createHook>[0];
  const stopPromises = promiseHooks.createHook(promiseCallbacks as unknown as Hooks) as unknown as () => void;
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
