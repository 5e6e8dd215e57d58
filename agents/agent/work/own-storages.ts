/** The agent's own AsyncLocalStorages: what they keep with a resource is not the program's. */
import { NativeMap, NativeSet, NativeWeakSet } from '../../primordials.ts';

const symbols = new NativeSet<symbol>();
const storages = new NativeWeakSet<object>();
/** A few per window of following, on Node 20 and 22 only. */
const MAX_SYMBOLS = 500;

export function addOwnStorage(storage: object): void {
  storages.add(storage);
  const { kResourceStore } = storage as { kResourceStore?: unknown };
  if (typeof kResourceStore !== 'symbol') return;
  if (symbols.size >= MAX_SYMBOLS) symbols.clear();
  symbols.add(kResourceStore);
}

/** Whether what a resource holds by this symbol is of the agent alone: Node 24 and later keep all storages in one map. */
export function isOwnStore(symbol: symbol, store: object): boolean {
  if (symbols.has(symbol)) return true;
  if (!(store instanceof NativeMap)) return false;
  for (const storage of store.keys()) if (!storages.has(storage as object)) return false;
  return true;
}
