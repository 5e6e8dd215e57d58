import { leakReport } from '../../hunt.ts';
import { LIMIT, REQUIRED_PID } from '../fields.ts';
import { leaksAnswer } from '../leaks-answer.ts';
import type { Tool } from '../types.ts';

const FIELDS = {
  pid: REQUIRED_PID,
  steps: { type: 'number', least: 1, most: 3, description: 'How many heap snapshots to take. Default: 3.' },
  wait: {
    type: 'number',
    least: 0,
    most: 600,
    description: 'Seconds between two of them, in which the process should work. Default: 10.',
  },
  limit: LIMIT,
} as const;
const DEFAULT = 8;
const DEFAULT_STEPS = 3;
const DEFAULT_WAIT_S = 10;

export const heapLeaks: Tool<typeof FIELDS> = {
  id: 'heap-leaks',
  title: 'Find leaks by heap snapshots',
  description:
    'Takes heap snapshots of the main thread of a process that runs with the agent, which pauses it each time (about a second per 100 MB of heap), and names what holds the objects that are never freed. The snapshots are removed. The tool "leaks" pauses nothing: try it first.',
  isAction: true,
  fields: FIELDS,
  async run({ pid, steps = DEFAULT_STEPS, wait = DEFAULT_WAIT_S, limit = DEFAULT }) {
    const report = await leakReport({ kind: 'process', pid }, { steps: Math.round(steps), wait, yes: true });
    return leaksAnswer(report!, limit);
  },
};
