import type { SamplerContext } from '../samplers/types.ts';
import { type SharedMemory, Sum, Word } from '../shared-memory.ts';
import { openThreadCpu } from './platform/thread-cpu.ts';

type Cost = ReturnType<SamplerContext['ownCost']>;

/** Adds up what observing a thread costs, since the last call. */
export function createOwnCost(shared: SharedMemory, threadId: number, bytesWritten: () => number) {
  // There is one watchdog for all threads: its cost is in the main thread's recording.
  const watchdog = threadId === 0 ? openThreadCpu('self') : () => null;
  let lastCpuMs = watchdog()?.cpuMs ?? null;
  let sampledMs = 0;
  let lastStackCount = 0;
  let lastStackMs = 0;
  return {
    /** The observed thread has read samplers for this long. */
    sampled(ms: number): void {
      sampledMs += ms;
    },
    read(): Cost {
      const cpuMs = watchdog()?.cpuMs ?? null;
      const stacks = shared.control[Word.StackCount]! - lastStackCount;
      const stackMs = shared.numbers[Sum.StackMs]! - lastStackMs;
      const cost: Cost = {
        mainThreadMs: sampledMs + stackMs,
        watchdogMs: cpuMs !== null && lastCpuMs !== null ? cpuMs - lastCpuMs : null,
        stacks,
        recordingBytes: bytesWritten(),
      };
      sampledMs = 0;
      lastStackCount += stacks;
      lastStackMs += stackMs;
      lastCpuMs = cpuMs;
      return cost;
    },
  };
}
