/**
 * Whose work is running: the request or the job that began what runs now.
 *
 * From Node 24 on V8 carries that along with each continuation, at no cost. Before, each promise pays for it while it is
 * carried, so that is done only while promises are followed anyway. Otherwise only what Node calls for a new request, up to its
 * first await, is known to be that request's: the stack shows it.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { WorkKind } from '../../../src/recording/rows/work.ts';
import { NativeSet } from '../../primordials.ts';
import { forgetOwnStorage, noteOwnStorage } from '../own-hooks.ts';
import { addOwnStorage } from './own-storages.ts';

/** A request or a job. Whatever it begins keeps it for as long as that lives, so it holds nothing large once it has ended. */
export interface WorkItem {
  readonly id: number;
  readonly kind: WorkKind;
  /** As `monotonicMs`. */
  readonly startMs: number;
  /** 0: it has not ended. */
  endMs: number;
  /** What a name is made of, until the end: see `routes.ts`. */
  request: object | null;
  /** Until the end: the response, or the stream of HTTP/2. */
  answer: object | null;
  /** The route that a framework has published. */
  pattern: string | null;
  /** From the end on; of jobs, from the beginning. */
  name: string | null;
}

/** Node's functions that hand a request to the program. */
export const HANDS_OVER: ReadonlySet<string> = new NativeSet(['parserOnIncoming', 'onSessionHeaders']);
/** And what a socket has received. */
export const GIVES_DATA = 'onStreamRead';

let storage: AsyncLocalStorage<WorkItem> | null = null;
let isCarried = false;
let isEntered = false;
let free: boolean | null = null;
/** What Node, or `label`, has called last and is still running, if it was followed. */
let latestRequest: WorkItem | null = null;
let runningJob: WorkItem | null = null;

function makeStorage(): AsyncLocalStorage<WorkItem> {
  const made = new AsyncLocalStorage<WorkItem>();
  addOwnStorage(made);
  noteOwnStorage(made);
  return made;
}

/** Node carries it without hooks. */
export function isCarriedFree(): boolean {
  free ??= !('kResourceStore' in new AsyncLocalStorage());
  return free;
}

/** It is carried from now on; where it has a price by a storage of its own each time: connections keep what the last one held. */
export function carry(): void {
  if (isCarried) return;
  isCarried = true;
  isEntered = false;
  if (!storage || !isCarriedFree()) storage = makeStorage();
}

export function stopCarrying(): void {
  if (!isCarried) return;
  isCarried = false;
  // Where it is free, what has begun keeps it.
  if (isCarriedFree()) return;
  if (storage) {
    storage.disable();
    forgetOwnStorage(storage);
  }
  storage = null;
}

/** Each promise that is made pays for it. */
export function isPaidFor(): boolean {
  return isCarried && isEntered && !isCarriedFree();
}

/** Node calls the program for this request next; null: for one that is not followed. */
export function enterRequest(item: WorkItem | null): void {
  latestRequest = item;
  if (!item || !isCarried) return;
  isEntered = true;
  storage!.enterWith(item);
}

/** Runs the function as part of the job. */
export function runJob<T>(item: WorkItem, run: () => T): T {
  const outer = runningJob;
  runningJob = item;
  try {
    if (!isCarried) return run();
    isEntered = true;
    return storage!.run(item, run);
  } finally {
    runningJob = outer;
  }
}

/** How many requests are followed and have not ended. */
export const inProgress = { requests: 0 };

/** What the stack shows. */
export interface OnStack {
  /** Node has just called the program for a request, and it has not returned. */
  isInHandler(): boolean;
  /** Node hands over what a socket has received: it may be the answer to somebody else than whoever opened the socket. */
  isOnData(): boolean;
}

/** Whose work runs now, null if that is not known for sure. */
export function currentWork(onStack?: OnStack): WorkItem | null {
  const carried = storage?.getStore();
  if (carried) return onStack?.isOnData() && isShared(carried) ? null : carried;
  if (runningJob) return runningJob;
  return latestRequest && onStack?.isInHandler() ? latestRequest : null;
}

/** What it opened may serve others by now: connections of pools are opened by whoever comes first. */
function isShared({ endMs, kind }: WorkItem): boolean {
  return endMs !== 0 || inProgress.requests > (kind === 'request' ? 1 : 0);
}
