import { chosenCallSites } from '../agent/stack.ts';
import { belowHooks, isLibrarys, isNodesUrl } from '../agent/tracking/sites.ts';
import type { RawFrame } from '../shared-memory.ts';

/** fetch has some 28 Node frames between the application's call and the request, the package undici as many. */
const MAX_FRAMES = 64;
const MAX_KEPT = 6;

/** The current stack of the application through libraries: some frames of each. */
export function workFrames(): RawFrame[] {
  return belowHooks(chosenCallSites(MAX_FRAMES, undefined, informative));
}

function informative(urls: (string | null)[]): boolean[] {
  let libraries = 0;
  let own = 0;
  return urls.map((url) => {
    if (isNodesUrl(url)) return own + libraries === 0;
    return isLibrarys(url) ? ++libraries <= MAX_KEPT : ++own <= MAX_KEPT;
  });
}
