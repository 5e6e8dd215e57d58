import type { Row } from '../../recording/types.ts';

/** The counters of a row: name and values. */
export function figuresOf(row: Row): [string, Record<string, number>][] {
  switch (row.type) {
    case 'event-loop-delay':
      return [['event loop delay (ms)', { p50: row.p50Ms, p99: row.p99Ms, max: row.maxMs }]];
    case 'event-loop-utilization':
      return [['utilization (%)', { busy: Math.round(row.utilization * 100) }]];
    case 'cpu': {
      const share = (row.userMs + row.systemMs) / Math.max(1, row.intervalMs);
      return [['CPU (% of a core)', { process: Math.round(100 * share) }]];
    }
    case 'memory':
      return [
        ['heap (MB)', { used: mb(row.heapUsedBytes) }],
        ['memory (MB)', { resident: mb(row.rssBytes), external: mb(row.externalBytes) }],
      ];
    case 'gc':
      return [
        ['garbage collection (ms a second)', { major: row.majorMs, minor: Math.max(0, row.totalMs - row.majorMs) }],
      ];
    case 'active-resources':
      return [['handles', { total: row.total }]];
    case 'loop-turns':
      return [['loop turns', { turns: row.turns }]];
    case 'threads':
      return [['worker threads', { alive: row.alive }]];
    default:
      return [];
  }
}

const mb = (bytes: number): number => Math.round(bytes / 1e5) / 10;
