import { GC_BUCKETS, GC_KINDS } from '../../../samplers/gc.ts';
import { Buckets } from '../families.ts';
import type { Collector } from '../types.ts';

/** The garbage collector's pauses in the main thread. */
export function collections(): Collector {
  const byKind = new Map(GC_KINDS.map((kind) => [kind, new Buckets(GC_BUCKETS)]));
  return {
    onRow(row, threadId) {
      if (threadId !== 0 || row.type !== 'gc') return;
      for (const { kind, totalMs, counts } of row.byKind ?? []) {
        const buckets = byKind.get(kind);
        counts.forEach((count, i) => {
          // The sum is known for all of them together.
          if (count > 0) buckets?.addCounted(i, count, 0);
        });
        buckets?.addCounted(0, 0, totalMs / 1000);
      }
    },
    read: () => [
      {
        name: 'nodejs_gc_duration_seconds',
        help: 'Garbage collection duration by kind, one of major, minor, incremental or weakcb.',
        type: 'histogram',
        samples: [...byKind].flatMap(([kind, buckets]) => buckets.samples({ kind })),
      },
    ],
  };
}
