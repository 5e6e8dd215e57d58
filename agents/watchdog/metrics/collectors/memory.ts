import type { RowOf } from '../../../../src/recording/types.ts';
import { byLabel, gauge } from '../families.ts';
import type { Collector, Family } from '../types.ts';

/** The main thread's V8 heap, at the last reading: once a second, while the loop turns. */
export function memory(): Collector {
  let last: RowOf<'memory'> | null = null;
  return {
    onRow(row, threadId) {
      if (threadId === 0 && row.type === 'memory') last = row;
    },
    read: () => (last ? familiesOf(last) : []),
  };
}

function familiesOf(row: RowOf<'memory'>): Family[] {
  const spaces = Object.entries(row.spaces).map(([name, bytes]) => [name.replace(/_space$/, ''), bytes] as const);
  return [
    gauge('nodejs_heap_size_total_bytes', 'Process heap size from Node.js in bytes.', row.heapTotalBytes),
    gauge('nodejs_heap_size_used_bytes', 'Process heap size used from Node.js in bytes.', row.heapUsedBytes),
    gauge('nodejs_external_memory_bytes', 'Node.js external memory size in bytes.', row.externalBytes),
    gauge(
      'nodejs_heap_space_size_used_bytes',
      'Process heap space size used from Node.js in bytes.',
      byLabel('space', spaces),
    ),
    gauge('evdiag_heap_limit_bytes', 'Limit of the V8 heap.', row.heapLimitBytes),
    gauge(
      'evdiag_array_buffers_bytes',
      'Memory of buffers and ArrayBuffers; a part of the external memory.',
      row.arrayBuffersBytes,
    ),
  ];
}
