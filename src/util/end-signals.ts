import { constants } from 'node:os';

/** Signals that end a command that runs until it is stopped. */
export const END_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type EndSignal = (typeof END_SIGNALS)[number];

/** 128 + its number, as in shells; 0 after `q`. */
export function exitCodeOf(signal: EndSignal | null): number {
  return signal === null ? 0 : 128 + constants.signals[signal];
}
