import { monotonicMs } from '../primordials.ts';
import type { Sampler } from './types.ts';

/** What the agent itself costs. */
export const agentCost: Sampler = {
  id: 'agent-cost',
  title: "the agent's own cost",
  level: 'watch',
  thread: 'watchdog',
  cost: 'nothing on the main thread; 10 µs once a second in the watchdog',
  start(context) {
    let last = monotonicMs();
    return {
      read() {
        const now = monotonicMs();
        const intervalMs = now - last;
        last = now;
        return { type: 'agent-cost', intervalMs, ...context.ownCost() };
      },
      stop() {},
    };
  },
};
