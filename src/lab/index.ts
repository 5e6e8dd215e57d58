import { cpuPool } from './cpu-pool.ts';
import { fanOut } from './fan-out.ts';
import { fileWrites } from './file-writes.ts';
import { loopThroughput } from './loop-throughput.ts';
import { switchCost } from './switch-cost.ts';
import { taskMemory } from './task-memory.ts';
import type { Lab } from './types.ts';

export const labs: readonly Lab[] = [cpuPool, fanOut, fileWrites, loopThroughput, switchCost, taskMemory];
