import type { WorkEntry, WorkKind } from '../../../src/recording/rows/work.ts';
import { BUCKETS, bucketOf } from '../../../src/util/duration-buckets.ts';
import { max, NativeMap, NativeUint32Array } from '../../primordials.ts';

/** Names of each kind that are counted apart; the others are counted together. */
const MAX_NAMES = 200;
const OTHERS = '(others)';

interface Total {
  kind: WorkKind;
  name: string;
  count: number;
  failed: number;
  aborted: number;
  maxMs: number;
  buckets: Uint32Array;
}

/** How many ended, by name, and how long they took. */
export class WorkTotals {
  readonly #byKind: Record<WorkKind, Map<string, Total>> = {
    request: new NativeMap(),
    job: new NativeMap(),
    message: new NativeMap(),
  };

  /** `ms`: null if it was left before its end. */
  add(kind: WorkKind, name: string, ms: number | null, failed: boolean): void {
    const total = this.#of(kind, name);
    total.count++;
    if (failed) total.failed++;
    if (ms === null) {
      total.aborted++;
      return;
    }
    if (ms > total.maxMs) total.maxMs = ms;
    total.buckets[bucketOf(max(0, ms))]!++;
  }

  /** Those that ended since the last call. */
  read(): WorkEntry[] {
    const entries: WorkEntry[] = [];
    for (const kind of ['request', 'job', 'message'] as const) {
      for (const total of this.#byKind[kind].values()) if (total.count > 0) entries.push(taken(total));
    }
    return entries;
  }

  #of(kind: WorkKind, name: string): Total {
    const byName = this.#byKind[kind];
    const known = byName.get(name);
    if (known) return known;
    const isFull = byName.size >= MAX_NAMES && name !== OTHERS;
    if (isFull) return this.#of(kind, OTHERS);
    const total = { kind, name, count: 0, failed: 0, aborted: 0, maxMs: 0, buckets: new NativeUint32Array(BUCKETS) };
    byName.set(name, total);
    return total;
  }
}

function taken(total: Total): WorkEntry {
  const { kind, name, count, failed, aborted, maxMs, buckets } = total;
  const durations: [number, number][] = [];
  for (let i = 0; i < BUCKETS; i++) if (buckets[i]! > 0) durations.push([i, buckets[i]!]);
  buckets.fill(0);
  total.count = 0;
  total.failed = 0;
  total.aborted = 0;
  total.maxMs = 0;
  return { kind, name, count, failed, aborted, maxMs, durations };
}
