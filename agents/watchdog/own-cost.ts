import type { SamplerContext } from '../samplers/types.ts';
import { BUDGET_UNIT, type SharedMemory, Sum, Word } from '../shared-memory.ts';
import type { SensorCost } from '../tracked.ts';
import { openThreadCpu } from './platform/thread-cpu.ts';

type Cost = ReturnType<SamplerContext['ownCost']>;

/** Adds up what observing a thread costs, since the last call. */
export function createOwnCost(shared: SharedMemory, threadId: number, bytesWritten: () => number) {
  // There is one watchdog for all threads: its cost is in the main thread's recording.
  const watchdog = threadId === 0 ? openThreadCpu('self') : () => null;
  let lastCpuMs = watchdog()?.cpuMs ?? null;
  let sampledMs = 0;
  let sensors = new Map<string, SensorCost>();
  let lastStackCount = 0;
  let lastStackMs = 0;
  return {
    /** The observed thread has read samplers for this long. */
    sampled(ms: number, costs: readonly SensorCost[] = []): void {
      sampledMs += ms;
      for (const { sensor, calls, ms: costMs } of costs) {
        const before = sensors.get(sensor);
        sensors.set(sensor, { sensor, calls: calls + (before?.calls ?? 0), ms: costMs + (before?.ms ?? 0) });
      }
    },
    read(): Cost {
      const cpuMs = watchdog()?.cpuMs ?? null;
      const stacks = shared.control[Word.StackCount]! - lastStackCount;
      const stackMs = shared.numbers[Sum.StackMs]! - lastStackMs;
      const followed = [...sensors.values()];
      const followingMs = followed.reduce((sum, { ms }) => sum + ms, 0);
      const cost: Cost = {
        mainThreadMs: sampledMs + stackMs + followingMs,
        watchdogMs: cpuMs !== null && lastCpuMs !== null ? cpuMs - lastCpuMs : null,
        stacks,
        recordingBytes: bytesWritten(),
        budgetShare: Math.round(shared.control[Word.Budget]!) * BUDGET_UNIT,
        sensors: followed,
      };
      sampledMs = 0;
      sensors = new Map();
      lastStackCount += stacks;
      lastStackMs += stackMs;
      lastCpuMs = cpuMs;
      return cost;
    },
  };
}
