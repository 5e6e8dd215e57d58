/** What the adapters of all test runners share: the verdict on one test. */
import type { Location } from '../recording/types.ts';
import { formatMs } from '../util/text.ts';
import { BlockedError } from './blocked-error.ts';
import { LeakError, seenAt } from './leak-error.ts';
import { createIsMeant } from './meant.ts';
import type { EvdiagTestOptions } from './test-options.ts';
import type { Leftover, Scope } from './types.ts';

export type TestSettings = Required<EvdiagTestOptions>;

/** Fails if the test blocked the event loop for longer than it may. */
export async function throwIfBlocked(scope: Scope, { stallMs }: TestSettings): Promise<void> {
  const stall = stallMs > 0 ? await scope.stall() : null;
  if (!stall || stall.durationMs < stallMs) return;
  const { durationMs, kind, location } = stall;
  const limit = `limit ${formatMs(stallMs)}`;
  const message = `The test blocked the event loop for ${formatMs(durationMs)} (${limit}) · ${kind} · ${seenAt(location)}`;
  throw pointingAt(location, new BlockedError(message, durationMs));
}

/** What a test has left behind after the grace period; what only the runner's own code made is the runner's. */
export async function leftBehind(
  scope: Scope,
  { graceMs, ignore }: TestSettings,
  runners: RegExp,
): Promise<Leftover[]> {
  const isMeantOf = createIsMeant(ignore);
  const isMeant = (leftover: Leftover): boolean => runners.test(leftover.location?.file ?? '') || isMeantOf(leftover);
  return (await scope.left(graceMs, isMeant)).filter((leftover) => !isMeant(leftover));
}

export function leakError(subject: string, left: readonly Leftover[], end: string): LeakError {
  return pointingAt(left[0]?.location ?? null, new LeakError(subject, left, end));
}

/** With the guilty line as its stack, so that the runner shows its source; our own stack would not help. */
function pointingAt<E extends Error>(location: Location | null, error: E): E {
  const { function: name, file, line, column } = location ?? { function: '', file: '', line: 0, column: 0 };
  error.stack = `${error.name}: ${error.message}${location ? `\n    at ${name || '<anonymous>'} (${file}:${line}:${column})` : ''}`;
  return error;
}
