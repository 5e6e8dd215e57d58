import { type PerformanceEntry, PerformanceObserver, type PerformanceObserverEntryList } from 'node:perf_hooks';
import {
  defineProperty,
  getOwnPropertySymbols,
  getPrototypeOf,
  NativeSet,
  NativeString,
  NativeSymbol,
  process,
} from './primordials.ts';

export interface CollectionEntries {
  start(): void;
  stop(): void;
  /** Those that have not been passed on yet. */
  flush(): void;
}

const { iterator } = NativeSymbol;
type Holder = Record<string | symbol, unknown>;
/** Where Node makes an entry, V8 iterates over the arguments of a constructor (20), or Node over the set of observers (24 and later). */
const [holder, name] = process.version.startsWith('v20.')
  ? [getPrototypeOf([]) as Holder, iterator]
  : [getPrototypeOf(new NativeSet().values()) as Holder, 'next'];
const before = holder[name];

/**
 * The garbage collections of this thread, by a PerformanceObserver: its entries mean the same on every Node version (V8's own trace-event
 * names do not).
 *
 * Node notes each entry with the observer, and hands the notes over in an immediate. There it iterates over an array with
 * what the program may have replaced, and what that throws ends the program. So the method that notes an entry is replaced by `onEntry`
 * in this one observer, and there is no immediate. That method is also what leaves out entries of other types. If this Node has no such
 * method, `onList` is called as usual.
 */
export function collectionEntries(
  onEntry: (entry: PerformanceEntry) => void,
  onList: (list: PerformanceObserverEntryList) => void,
): CollectionEntries {
  const observer = new PerformanceObserver(onList);
  const note = getOwnPropertySymbols(PerformanceObserver.prototype).find(
    (symbol) => NativeString(symbol) === 'Symbol(kMaybeBuffer)',
  );
  const onAnyEntry = (entry: PerformanceEntry): void => {
    if (typeOf(entry) === 'gc') onEntry(entry);
  };
  if (note) defineProperty(observer, note, { value: onAnyEntry });
  return {
    start: () => observer.observe({ entryTypes: ['gc'] }),
    stop: () => observer.disconnect(),
    flush() {
      for (const entry of observer.takeRecords()) onEntry(entry);
    },
  };
}

function typeOf(entry: PerformanceEntry): string | null {
  try {
    return entry.entryType;
  } catch {
    // The program has replaced the getter.
    return null;
  }
}

/** Node cannot make an entry where the program has replaced this by something that throws; to be checked from time to time. */
export const mayBreakNode = (): boolean => holder[name] !== before;
