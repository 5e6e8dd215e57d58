import { readdirSync, readFileSync } from 'node:fs';
import { counter, gauge } from '../families.ts';
import type { Collector, Family, MetricsSource } from '../types.ts';

declare const EVDIAG_VERSION: string;

/** What the watchdog reads of the process itself, while the loop is blocked as well. */
export function processFigures({ startedAtMs, now }: MetricsSource): Collector {
  let [mainCpuMs, runQueueMs, throttledMs] = [0, 0, 0];
  let known = false;
  return {
    onRow(row, threadId) {
      if (threadId !== 0 || row.type !== 'cpu' || row.mainThreadMs === null) return;
      known = true;
      mainCpuMs += row.mainThreadMs;
      runQueueMs += row.runQueueMs ?? 0;
      throttledMs += row.throttledMs ?? 0;
    },
    read() {
      const seconds = (ms: number): number | null => (known ? ms / 1000 : null);
      return [
        ...cpuFamilies(),
        gauge(
          'process_start_time_seconds',
          'Start time of the process since unix epoch in seconds.',
          Math.round(startedAtMs / 1000),
        ),
        gauge('process_resident_memory_bytes', 'Resident memory size in bytes.', process.memoryUsage.rss()),
        gauge('process_open_fds', 'Number of open file descriptors.', openFiles()),
        gauge('process_max_fds', 'Maximum number of open file descriptors.', mostFiles()),
        versionFamily(),
        gauge('evdiag_info', 'Version of evdiag, and the process that it observes.', [
          { labels: { version: EVDIAG_VERSION, pid: String(process.pid) }, value: 1 },
        ]),
        gauge('evdiag_uptime_seconds', 'Since when evdiag observes the process.', now() / 1000),
        counter('evdiag_main_thread_cpu_seconds_total', 'CPU time of the main thread.', seconds(mainCpuMs)),
        counter(
          'evdiag_main_thread_run_queue_seconds_total',
          'Time that the main thread could have run and had no core.',
          seconds(runQueueMs),
        ),
        counter(
          'evdiag_throttled_seconds_total',
          'Time that the CPU limit of the container held the process back.',
          seconds(throttledMs),
        ),
      ];
    },
  };
}

function cpuFamilies(): Family[] {
  const { user, system } = process.cpuUsage();
  return [
    counter('process_cpu_user_seconds_total', 'Total user CPU time spent in seconds.', user / 1e6),
    counter('process_cpu_system_seconds_total', 'Total system CPU time spent in seconds.', system / 1e6),
    counter('process_cpu_seconds_total', 'Total user and system CPU time spent in seconds.', (user + system) / 1e6),
  ];
}

function versionFamily(): Family {
  const [major = '', minor = '', patch = ''] = process.versions.node.split('.');
  const labels = { version: process.version, major, minor, patch: patch.replace(/\D.*$/, '') };
  return gauge('nodejs_version_info', 'Node.js version info.', [{ labels, value: 1 }]);
}

/** Null where the platform, or the permission model, does not say. */
function openFiles(): number | null {
  try {
    // Without the one that reads the folder.
    return readdirSync('/proc/self/fd').length - 1;
  } catch {
    return null;
  }
}

function mostFiles(): number | null {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return soft === undefined ? null : Number(soft);
  } catch {
    return null;
  }
}
