import { type CapturedThread, EVENT_WORDS, EventKind, KIND_BITS, TICKS_PER_US } from '../../protocol/async-trace.ts';
import type { Frame } from '../../recording/types.ts';
import { clean } from './text.ts';

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
  runs: readonly Run[];
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

/** Most promises have none: an array for each would cost as much as all the rest. */
const NO_RUNS: readonly Run[] = [];
/** What the agent's own callbacks are called. */
const OWN_TYPE = 1;

/** Puts the events of one thread together. */
export function readOperations({ events, types, sites, spanMs }: CapturedThread): Operations {
  const reading = createReading(spanMs * 1000, types.map(clean));
  const words = EVENT_WORDS;
  for (let at = 0; at + words <= events.length; at += words) {
    const word = events[at]!;
    reading.add({
      kind: word & KIND_MASK,
      type: word >>> KIND_BITS,
      id: events[at + 1]!,
      other: events[at + 2]!,
      site: sites[events[at + 3]! - 1] ?? null,
      us: events[at + 4]! / TICKS_PER_US,
    });
  }
  return reading.finish();
}

/** There are millions of them. */
const KIND_MASK = (1 << KIND_BITS) - 1;
const kinds = EventKind;

interface TracedEvent {
  kind: number;
  type: number;
  id: number;
  other: number;
  site: Frame[] | null;
  us: number;
}

function createReading(endUs: number, types: readonly string[]) {
  const resources = new Map<number, Operation>();
  const promises = new Map<number, Operation>();
  const operations: Operation[] = [];
  const runs: Run[] = [];
  const collections: Collection[] = [];
  const losses: number[] = [];
  const ours = new Set<Operation>();
  let stack: Run[] = [];
  let lastUs = 0;

  const make = (type: string, isPromise: boolean, site: Frame[] | null, startUs: number): Operation => {
    const operation: Operation = {
      type,
      isPromise,
      isOld: false,
      site,
      startUs,
      goneUs: null,
      lostUs: null,
      parent: null,
      isDerived: false,
      maker: stack.at(-1) ?? null,
      settler: null,
      runs: NO_RUNS,
    };
    operations.push(operation);
    return operation;
  };
  const makeOld = (type: string, isPromise: boolean): Operation =>
    Object.assign(make(type, isPromise, null, 0), { isOld: true, isDerived: isPromise, maker: null });
  const begin = (operation: Operation | undefined, us: number): void => {
    lastUs = us;
    if (!operation) return;
    const run: Run = { operation, startUs: us, endUs: us, within: stack.at(-1) ?? null };
    runs.push(run);
    if (operation.runs === NO_RUNS) operation.runs = [run];
    else (operation.runs as Run[]).push(run);
    stack.push(run);
  };
  const endAll = (us: number): void => {
    for (const run of stack) run.endUs = us;
    stack = [];
  };

  const typeOf = (type: number): string => types[type] ?? '';
  const makePromise = (from: number, isDerived: boolean, site: Frame[] | null, us: number): Operation => {
    const operation = make('PROMISE', true, site, us);
    operation.parent = promises.get(from) ?? null;
    operation.isDerived = isDerived;
    return operation;
  };
  const remember = (known: Map<number, Operation>, id: number, operation: Operation): Operation => {
    known.set(id, operation);
    return operation;
  };
  const end = (operation: Operation | undefined, us: number): void => {
    lastUs = us;
    const from = operation ? stack.findLastIndex((run) => run.operation === operation) : -1;
    if (from < 0) return;
    for (const run of stack.slice(from)) run.endUs = us;
    stack.length = from;
  };
  const gone = (operation: Operation | undefined, us: number): void => {
    if (!operation || operation.goneUs !== null) return;
    operation.goneUs = us;
    operation.settler = stack.at(-1) ?? null;
  };
  /** What was made before has a type. What is known neither so is a promise that another hook wants to know of. */
  const began = (id: number, type: number): Operation | undefined =>
    resources.get(id) ?? (type > OWN_TYPE ? remember(resources, id, makeOld(typeOf(type), false)) : undefined);
  const reacted = (id: number, isOld: boolean): Operation | undefined =>
    isOld ? remember(promises, id, makeOld('PROMISE', true)) : promises.get(id);

  return {
    add({ kind, type, id, other, site, us }: TracedEvent): void {
      switch (kind) {
        case kinds.Init:
          remember(resources, id, make(typeOf(type), false, site, us));
          break;
        case kinds.PromiseInit:
          remember(promises, id, makePromise(other, type === 1, site, us));
          break;
        case kinds.Before:
          begin(began(id, type), us);
          break;
        case kinds.PromiseBefore:
          begin(reacted(id, type === 1), us);
          break;
        case kinds.After:
          end(resources.get(id), us);
          break;
        case kinds.PromiseAfter:
          end(promises.get(id), us);
          break;
        case kinds.Destroy:
          gone(resources.get(id), us);
          break;
        case kinds.Settled:
          gone(promises.get(id), us);
          break;
        case kinds.Collection:
          collections.push({ kind: type, startUs: Math.max(0, us), durationUs: id / TICKS_PER_US });
          break;
        case kinds.Own:
          if (resources.has(id)) ours.add(resources.get(id)!);
          break;
        case kinds.Lost:
          // What was running may have ended meanwhile.
          losses.push(us);
          endAll(lastUs);
          break;
      }
    },
    finish(): Operations {
      endAll(endUs);
      if (losses.length > 0) for (const one of operations) one.lostUs = losses.find((us) => us >= one.startUs) ?? null;
      const theirs = ours.size > 0 ? runs.filter(({ operation }) => !ours.has(operation)) : runs;
      return { operations: operations.filter((one) => !ours.has(one)), runs: theirs, collections, endUs };
    },
  };
}
