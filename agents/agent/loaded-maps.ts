import { loadedMap } from '../../src/util/loaded-map.ts';
import { createSensor, guarded } from '../guard.ts';
import { setImmediate } from '../primordials.ts';

const laterOn = setImmediate;
const loadParsedMaps = () => require('./parsed-maps.ts') as typeof import('./parsed-maps.ts');

/** By url, null if there is none. */
export type MapTexts = Record<string, string | null>;

/**
 * Looks up the maps of files that were changed while they were loaded, and posts them: in this turn of the loop, when none of the
 * program's code is on the stack, at the latest when the thread ends.
 */
export function createLoadedMaps(post: (maps: MapTexts) => void) {
  let wanted: string[] = [];
  const lookUp = guarded(createSensor('looking up source maps'), () => {
    const urls = wanted;
    wanted = [];
    if (urls.length === 0) return;
    const maps: MapTexts = {};
    for (let i = 0; i < urls.length; i++) maps[urls[i]!] = loadedMap(urls[i]!);
    const unknown = urls.filter((url) => maps[url] === null);
    post(unknown.length > 0 ? { ...maps, ...loadParsedMaps().parsedMaps(unknown) } : maps);
  });
  return {
    wantMaps(urls: readonly string[]): void {
      if (wanted.length === 0) wanted = [...urls];
      else for (let i = 0; i < urls.length; i++) wanted[wanted.length] = urls[i]!;
      // Not within this evaluation: a loader may wait for a thread of its own, which waits until evaluations are over.
      laterOn(lookUp).unref();
    },
    atExit: (): void => lookUp(),
  };
}
