import type { ThreadState } from '../../../../src/protocol/dump-parts.ts';
import type { InterruptedStack } from '../../../../src/protocol/thread-api.ts';
import type { RawFrame } from '../../../shared-memory.ts';
import { pause } from '../../ask.ts';

/** Checks of a thread whose stack shows nothing of the program, and the time between them. */
export const MAX_LOOKS = 8;
const BETWEEN_LOOKS_MS = 6;

/**
 * Whether the thread runs, and where.
 *
 * Between two callbacks nothing of the program is on the stack: it is empty, or has frames of Node alone. Only if the clock of the loop's
 * idle time advances does the thread wait for events. In a chain of short callbacks, one of several checks hits one.
 */
export async function stateOf(
  hasEnded: () => boolean,
  ask: () => Promise<InterruptedStack | null | undefined>,
): Promise<{ state: ThreadState; stack: InterruptedStack | null }> {
  let first: InterruptedStack | null = null;
  let best: InterruptedStack | null = null;
  for (let look = 0; look < MAX_LOOKS; look++) {
    const stack = await ask();
    if (!stack) {
      if (hasEnded()) return { state: 'ended', stack: null };
      // It answered before: what it does was seen.
      if (best && best.frames.length > 0) break;
      return { state: 'no-answer', stack: null };
    }
    if (stack.frames.some(isOfProgram)) return { state: 'running', stack };
    if (stack.frames.length === 0 && first && stack.idleMs - first.idleMs > BETWEEN_LOOKS_MS / 2) {
      return { state: 'idle', stack };
    }
    first ??= stack;
    if (!best || stack.frames.length > best.frames.length) best = stack;
    await pause(BETWEEN_LOOKS_MS);
  }
  return { state: 'running', stack: best };
}

/** Node's own frames do not say what the program does. */
function isOfProgram([, url]: RawFrame): boolean {
  return url !== null && !url.startsWith('node:');
}
