import { activeResources } from './active-resources.ts';
import { agentCost } from './agent-cost.ts';
import { cpu } from './cpu.ts';
import { eventLoopDelay } from './event-loop-delay.ts';
import { eventLoopUtilization } from './event-loop-utilization.ts';
import { gc } from './gc.ts';
import { loopTurns } from './loop-turns.ts';
import { memory } from './memory.ts';
import type { Sampler } from './types.ts';

export const samplers: readonly Sampler[] = [
  activeResources,
  agentCost,
  cpu,
  eventLoopDelay,
  eventLoopUtilization,
  gc,
  loopTurns,
  memory,
];
