import { type SharedMemory, SYNC_CALLS, type SyncCall, Word } from '../../shared-memory.ts';

/** Database add-ons, by their file: they have another remedy. */
const DATABASE = /sqlite|libsql|duckdb|lmdb|leveldb|rocksdb/i;
/** Its name has not arrived yet. */
const UNNAMED: SyncCall = { module: 'a native add-on', name: '', kind: 'native-addon' };

export type MarkedCalls = ReturnType<typeof createMarkedCalls>;

/** Which marked call of a thread is running: of Node's own, or of a native add-on that it has loaded. */
export function createMarkedCalls({ control }: Pick<SharedMemory, 'control'>) {
  const addOns: SyncCall[] = [];
  return {
    /** The thread has loaded an add-on: its functions, in the order of their numbers. */
    learn(calls: readonly [module: string, name: string][]): void {
      for (const [module, name] of calls) {
        addOns.push({ module, name, kind: DATABASE.test(module) ? 'sync-database' : 'native-addon' });
      }
    },
    /** One of its add-ons has functions that could not be marked. */
    hasUnmarked: () => addOns.some(({ name }) => name === ''),
    /** 1 + the number of the call, 0 outside of one. */
    index: () => Atomics.load(control, Word.SyncCall),
    running(): SyncCall | null {
      const index = Atomics.load(control, Word.SyncCall) - 1;
      if (index < 0) return null;
      return SYNC_CALLS[index] ?? addOns[index - SYNC_CALLS.length] ?? UNNAMED;
    },
  };
}

/** "fs.readFileSync", "better_sqlite3.node Statement.all". */
export function callName({ module, name }: SyncCall): string {
  if (name === '') return module;
  return module.endsWith('.node') ? `${module} ${name}` : `${module}.${name}`;
}
