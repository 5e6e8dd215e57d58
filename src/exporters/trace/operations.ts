import { type CapturedThread, EVENT_WORDS, EventKind, KIND_BITS, TICKS_PER_US } from '../../recording/async-trace.ts';
import type { Frame } from '../../recording/types.ts';

/** One callback, or a piece of code between two `await`; times in µs since the capture began. */
export interface Run {
  operation: Operation;
  startUs: number;
  endUs: number;
  /** The run that it interrupts; null where the loop itself calls. */
  within: Run | null;
}

/** What was started and ends later: a timer, a request, a promise. */
export interface Operation {
  /** Node's name of the resource; 'PROMISE'. */
  type: string;
  isPromise: boolean;
  /** It was made before the capture began. */
  isOld: boolean;
  /** Where it was made, innermost frame first; null where nobody looked. */
  site: Frame[] | null;
  startUs: number;
  /** Destroyed or settled; null where it was not. */
  goneUs: number | null;
  /** When events were lost that may have told of its end; null where none were. */
  lostUs: number | null;
  /** Of a promise: what is awaited, or reacted to; `isDerived` also where that is not known. */
  parent: Operation | null;
  isDerived: boolean;
  /** The run in which it was made, and whose it was settled in. */
  maker: Run | null;
  settler: Run | null;
  runs: Run[];
}

export interface Collection {
  /** Of perf_hooks: constants.NODE_PERFORMANCE_GC_*. */
  kind: number;
  startUs: number;
  durationUs: number;
}

export interface Operations {
  operations: Operation[];
  /** In the order of their starts. */
  runs: Run[];
  collections: Collection[];
  endUs: number;
}

/** What the agent's own callbacks are called. */
const OWN_TYPE = 1;

/** Puts the events of one thread together. */
export function readOperations(captured: CapturedThread): Operations {
  const { events, types, sites, spanMs } = captured;
  const endUs = spanMs * 1000;
  const reading = createReading(endUs);
  for (let at = 0; at + EVENT_WORDS <= events.length; at += EVENT_WORDS) {
    const word = events[at]!;
    const kind = word & ((1 << KIND_BITS) - 1);
    const type = word >>> KIND_BITS;
    const id = events[at + 1]!;
    const us = events[at + 4]! / TICKS_PER_US;
    const site = sites[events[at + 3]! - 1] ?? null;
    if (kind === EventKind.Init) reading.make(id, types[type] ?? '', site, us);
    else if (kind === EventKind.PromiseInit) reading.makePromise(id, events[at + 2]!, type === 1, site, us);
    else if (kind === EventKind.Before) reading.begin(id, type === OWN_TYPE ? '' : (types[type] ?? ''), us);
    else if (kind === EventKind.PromiseBefore) reading.beginReaction(id, type === 1, us);
    else if (kind === EventKind.After) reading.end(reading.resource(id), us);
    else if (kind === EventKind.PromiseAfter) reading.end(reading.promise(id), us);
    else if (kind === EventKind.Destroy) reading.gone(reading.resource(id), us);
    else if (kind === EventKind.Settled) reading.gone(reading.promise(id), us);
    else if (kind === EventKind.Own) reading.isOurs(id);
    else if (kind === EventKind.Lost) reading.lose(us);
    else if (kind === EventKind.Collection) {
      reading.collections.push({ kind: type, startUs: Math.max(0, us), durationUs: id / TICKS_PER_US });
    }
  }
  return reading.finish();
}

function createReading(endUs: number) {
  const resources = new Map<number, Operation>();
  const promises = new Map<number, Operation>();
  const operations: Operation[] = [];
  const runs: Run[] = [];
  const collections: Collection[] = [];
  const losses: number[] = [];
  const ours = new Set<Operation>();
  let stack: Run[] = [];
  let lastUs = 0;

  const add = (fields: Partial<Operation> & Pick<Operation, 'type' | 'startUs'>): Operation => {
    const operation: Operation = {
      isPromise: false,
      isOld: false,
      site: null,
      goneUs: null,
      lostUs: null,
      parent: null,
      isDerived: false,
      maker: stack.at(-1) ?? null,
      settler: null,
      runs: [],
      ...fields,
    };
    operations.push(operation);
    return operation;
  };
  const begin = (operation: Operation, us: number): void => {
    lastUs = us;
    const run: Run = { operation, startUs: us, endUs: us, within: stack.at(-1) ?? null };
    runs.push(run);
    operation.runs.push(run);
    stack.push(run);
  };
  const endAll = (us: number): void => {
    for (const run of stack) run.endUs = us;
    stack = [];
  };

  return {
    collections,
    resource: (id: number) => resources.get(id),
    promise: (id: number) => promises.get(id),
    make(id: number, type: string, site: Frame[] | null, us: number): void {
      resources.set(id, add({ type, site, startUs: us }));
    },
    makePromise(id: number, parent: number, isDerived: boolean, site: Frame[] | null, us: number): void {
      const fields = { isPromise: true, parent: promises.get(parent) ?? null, isDerived };
      promises.set(id, add({ type: 'PROMISE', site, startUs: us, ...fields }));
    },
    /** `oldType` of what was made before. What is known neither so is a promise that another hook wants to know of. */
    begin(id: number, oldType: string, us: number): void {
      let operation = resources.get(id);
      if (!operation && oldType !== '') {
        operation = add({ type: oldType, isOld: true, startUs: 0, maker: null });
        resources.set(id, operation);
      }
      if (operation) begin(operation, us);
    },
    beginReaction(id: number, isOld: boolean, us: number): void {
      if (isOld) {
        const fields = { isPromise: true, isDerived: true, isOld: true, maker: null };
        promises.set(id, add({ type: 'PROMISE', startUs: 0, ...fields }));
      }
      const operation = promises.get(id);
      if (operation) begin(operation, us);
    },
    end(operation: Operation | undefined, us: number): void {
      lastUs = us;
      const from = operation ? stack.findLastIndex((run) => run.operation === operation) : -1;
      if (from < 0) return;
      for (const run of stack.slice(from)) run.endUs = us;
      stack.length = from;
    },
    gone(operation: Operation | undefined, us: number): void {
      if (!operation || operation.goneUs !== null) return;
      operation.goneUs = us;
      operation.settler = stack.at(-1) ?? null;
    },
    isOurs(id: number): void {
      const operation = resources.get(id);
      if (operation) ours.add(operation);
    },
    /** What was running may have ended meanwhile. */
    lose(us: number): void {
      losses.push(us);
      endAll(lastUs);
    },
    finish(): Operations {
      endAll(endUs);
      if (losses.length > 0) for (const one of operations) one.lostUs = losses.find((us) => us >= one.startUs) ?? null;
      return {
        operations: operations.filter((one) => !ours.has(one)),
        runs: runs.filter(({ operation }) => !ours.has(operation)),
        collections,
        endUs,
      };
    },
  };
}
