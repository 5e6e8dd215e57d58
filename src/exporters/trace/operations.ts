import { type CapturedThread, EVENT_WORDS, EventKind, KIND_BITS, TICKS_PER_US } from '../../protocol/async-trace.ts';
import type { Frame } from '../../recording/types.ts';
import type { Collection, Operation, Operations } from './operation.ts';
import { NO_RUNS, RunStack } from './run-stack.ts';
import { clean } from './text.ts';

/** The name of the agent's own callbacks. */
const OWN_TYPE = 1;

/** There are millions of them. */
const KIND_MASK = (1 << KIND_BITS) - 1;
const kinds = EventKind;

/** Puts the events of one thread together. */
export function readOperations({ events, types, sites, spanMs }: CapturedThread): Operations {
  const reading = new Reading(spanMs * 1000, types.map(clean));
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

interface TracedEvent {
  kind: number;
  type: number;
  id: number;
  other: number;
  site: Frame[] | null;
  us: number;
}

/** Operations as their events describe them, one after the other. */
class Reading {
  readonly #endUs: number;
  readonly #types: readonly string[];
  readonly #resources = new Map<number, Operation>();
  readonly #promises = new Map<number, Operation>();
  readonly #operations: Operation[] = [];
  readonly #running = new RunStack();
  readonly #collections: Collection[] = [];
  readonly #losses: number[] = [];
  readonly #ours = new Set<Operation>();

  constructor(endUs: number, types: readonly string[]) {
    this.#endUs = endUs;
    this.#types = types;
  }

  add({ kind, type, id, other, site, us }: TracedEvent): void {
    switch (kind) {
      case kinds.Init:
        this.#resources.set(id, this.#make(this.#typeOf(type), false, site, us));
        break;
      case kinds.PromiseInit:
        this.#promises.set(id, this.#makePromise(other, type === 1, site, us));
        break;
      case kinds.Before:
        this.#running.begin(this.#began(id, type), us);
        break;
      case kinds.PromiseBefore:
        this.#running.begin(this.#reacted(id, type === 1), us);
        break;
      case kinds.After:
        this.#running.end(this.#resources.get(id), us);
        break;
      case kinds.PromiseAfter:
        this.#running.end(this.#promises.get(id), us);
        break;
      case kinds.Destroy:
        this.#gone(this.#resources.get(id), us);
        break;
      case kinds.Settled:
        this.#gone(this.#promises.get(id), us);
        break;
      case kinds.Collection:
        this.#collections.push({ kind: type, startUs: Math.max(0, us), durationUs: id / TICKS_PER_US });
        break;
      case kinds.Own:
        if (this.#resources.has(id)) this.#ours.add(this.#resources.get(id)!);
        break;
      case kinds.Lost:
        // What was running may have ended meanwhile.
        this.#losses.push(us);
        this.#running.endAll(this.#running.lastUs);
        break;
    }
  }

  finish(): Operations {
    const losses = this.#losses;
    const ours = this.#ours;
    this.#running.endAll(this.#endUs);
    const { runs } = this.#running;
    if (losses.length > 0) {
      for (const one of this.#operations) one.lostUs = losses.find((us) => us >= one.startUs) ?? null;
    }
    return {
      operations: this.#operations.filter((one) => !ours.has(one)),
      runs: ours.size > 0 ? runs.filter(({ operation }) => !ours.has(operation)) : runs,
      collections: this.#collections,
      endUs: this.#endUs,
    };
  }

  #typeOf(type: number): string {
    return this.#types[type] ?? '';
  }

  /** What was made before has a type. Anything else unknown is a promise that another hook asked for. */
  #began(id: number, type: number): Operation | undefined {
    const known = this.#resources.get(id);
    if (known || type <= OWN_TYPE) return known;
    const operation = this.#makeOld(this.#typeOf(type), false);
    this.#resources.set(id, operation);
    return operation;
  }

  #reacted(id: number, isOld: boolean): Operation | undefined {
    if (!isOld) return this.#promises.get(id);
    const operation = this.#makeOld('PROMISE', true);
    this.#promises.set(id, operation);
    return operation;
  }

  #gone(operation: Operation | undefined, us: number): void {
    if (!operation || operation.goneUs !== null) return;
    operation.goneUs = us;
    operation.settler = this.#running.top();
  }

  #makePromise(from: number, isDerived: boolean, site: Frame[] | null, us: number): Operation {
    const operation = this.#make('PROMISE', true, site, us);
    operation.parent = this.#promises.get(from) ?? null;
    operation.isDerived = isDerived;
    return operation;
  }

  #makeOld(type: string, isPromise: boolean): Operation {
    return Object.assign(this.#make(type, isPromise, null, 0), { isOld: true, isDerived: isPromise, maker: null });
  }

  #make(type: string, isPromise: boolean, site: Frame[] | null, startUs: number): Operation {
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
      maker: this.#running.top(),
      settler: null,
      runs: NO_RUNS,
    };
    this.#operations.push(operation);
    return operation;
  }
}
