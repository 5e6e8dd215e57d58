import { monotonicMs, process } from '../primordials.ts';
import type { Sampler } from './types.ts';

/** CPU time of the process, and of the main thread if the platform reports it (Linux: /proc/…/schedstat). */
export const cpu: Sampler = {
  id: 'cpu',
  title: 'CPU time',
  level: 'watch',
  thread: 'watchdog',
  cost: 'nothing on the main thread; 20 µs once a second in the watchdog',
  start(context) {
    let lastAt = monotonicMs();
    let lastUsage = process.cpuUsage();
    let lastMain = context.observedThread();
    let lastLimit = context.cpuLimit();
    return {
      read() {
        const now = monotonicMs();
        const usage = process.cpuUsage();
        const main = context.observedThread();
        const limit = context.cpuLimit();
        const row = {
          type: 'cpu' as const,
          intervalMs: now - lastAt,
          userMs: (usage.user - lastUsage.user) / 1000,
          systemMs: (usage.system - lastUsage.system) / 1000,
          mainThreadMs: main && lastMain ? main.cpuMs - lastMain.cpuMs : null,
          runQueueMs: main && lastMain ? main.runQueueMs - lastMain.runQueueMs : null,
          ...(limit !== null &&
            limit.cpus !== null && {
              throttledMs: limit.throttledMs - (lastLimit?.throttledMs ?? 0),
              limitCpus: limit.cpus,
            }),
        };
        [lastAt, lastUsage, lastMain, lastLimit] = [now, usage, main, limit];
        return row;
      },
      stop() {},
    };
  },
};
