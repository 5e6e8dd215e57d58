import { pathOf } from '../../../../src/recording/source-maps.ts';
import { within } from '../../ask.ts';
import type { Method, Target } from './types.ts';

const MAX_URLS = 1000;
/** The thread answers when its loop turns: a blocked one is not waited for. */
const PATIENCE_MS = 1500;

/** Of these scripts, the maps that they were loaded with and that are in no file: `LoadedMapPart`. */
export function loadedMaps(target: Target): Method<'loaded-maps'> {
  return async ({ urls }, client) => {
    const maps = target.threads()[0]?.maps;
    if (!maps || !Array.isArray(urls)) return {};
    const wanted = urls.filter((url): url is string => typeof url === 'string').slice(0, MAX_URLS);
    const read = (): (string | null | undefined)[] => wanted.map((url) => maps.runText(pathOf(url), url));
    const texts = (await within<ReturnType<typeof read>>(PATIENCE_MS, (use) => maps.mapped(read, use))) ?? read();
    for (let i = 0; i < wanted.length; i++) {
      const text = texts[i];
      if (text) await client.part({ part: 'map', url: wanted[i]!, text });
    }
    return {};
  };
}
