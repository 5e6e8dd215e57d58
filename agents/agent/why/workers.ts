import type { Worker } from 'node:worker_threads';
import { NativeSet, NativeWeakRef } from '../../primordials.ts';

/** More are not known by their number. */
const MAX_WORKERS = 1000;

const known = new NativeSet<WeakRef<Worker>>();

/** A worker thread that this thread has started. */
export function noteWorker(worker: Worker): void {
  if (known.size >= MAX_WORKERS) for (const one of known) if (!isRunning(one.deref())) known.delete(one);
  if (known.size < MAX_WORKERS) known.add(new NativeWeakRef(worker));
}

/** Those that have not ended, as far as they are known. */
export function runningWorkers(): Worker[] {
  const found: Worker[] = [];
  for (const one of known) {
    const worker = one.deref();
    if (isRunning(worker)) found[found.length] = worker;
  }
  return found;
}

function isRunning(worker: Worker | undefined): worker is Worker {
  return worker !== undefined && worker.threadId > 0;
}
