import { constants } from 'node:os';

/** What ends a command that would go on for ever. */
export const END_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type EndSignal = (typeof END_SIGNALS)[number];

/** 128 + its number, as shells have it; 0 after `q`. */
export function exitCodeOf(signal: EndSignal | null): number {
  return signal === null ? 0 : 128 + constants.signals[signal];
}
