import type { RawFrame } from '../../shared-memory.ts';
import { chosenCallSites } from '../stack.ts';
import { belowHooks, currentFrames, informative, isLibrarys, isNodes, MAX_FRAMES } from './sites.ts';

/** What packages and Node's clients call on the way to where something is made. */
const DEEP_FRAMES = 64;
/** Of the agent and of Node's hooks, at most: a stack with fewer of others was not cut off. */
const HOOK_FRAMES = 12;

/** The current stack as `currentFrames` has it, and further out where the program is below all that: who asked for it is the place. */
export function ownersFrames(): RawFrame[] {
  let seen = 0;
  const frames = belowHooks(
    chosenCallSites(MAX_FRAMES, undefined, (urls) => {
      seen = urls.length;
      return informative(urls);
    }),
  );
  const isCutOff = seen >= MAX_FRAMES - HOOK_FRAMES;
  return isCutOff && !frames.some(isPrograms) ? currentFrames(undefined, DEEP_FRAMES) : frames;
}

function isPrograms(frame: RawFrame): boolean {
  return !isNodes(frame) && !isLibrarys(frame[1]);
}
