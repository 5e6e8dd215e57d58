import { failures } from '../guard.ts';
import type { Sample } from '../samplers/types.ts';

/** Adds what of the agent has failed since the last call, each part once. */
export function addFailures(rows: Sample[]): void {
  const messages = failures();
  for (let i = 0; i < messages.length; i++) rows[rows.length] = { type: 'agent-error', message: messages[i]! };
}
