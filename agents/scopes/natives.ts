/** Timers as they were before a test replaced them. */
interface Natives {
  setTimeout: typeof setTimeout;
  clearTimeout: typeof clearTimeout;
  setImmediate: typeof setImmediate;
}

let natives: Natives = { setTimeout, clearTimeout, setImmediate };

/** For a bundle that is loaded while fake timers are in place: those that `evdiag` found when it was imported. */
export function keepTimers(kept: Natives): void {
  natives = kept;
}

/** One turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => void natives.setImmediate(resolve));
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => void natives.setTimeout(resolve, ms));
}

/** The value of the promise, or null after this many milliseconds. */
export function within<T>(ms: number, promise: Promise<T>): Promise<T | null> {
  return new Promise((resolve, reject) => {
    const timer = natives.setTimeout(resolve, ms, null);
    promise.then(resolve, reject).finally(() => natives.clearTimeout(timer));
  });
}
