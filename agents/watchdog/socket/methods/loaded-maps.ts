import type { LoadedMapPart } from '../../../../src/protocol/profile-parts.ts';
import { pathOf } from '../../../../src/recording/source-maps.ts';
import type { Method, Target } from './types.ts';

const MAX_URLS = 1000;
/** The thread answers when its loop turns: one that is blocked is not waited for. */
const PATIENCE_MS = 1500;

/** Of these scripts, the maps that they were loaded with and that are in no file: `LoadedMapPart`. */
export function loadedMaps(target: Target): Method {
  return async ({ urls }, client) => {
    const maps = target.threads()[0]?.maps;
    if (!maps || !Array.isArray(urls)) return {};
    const wanted = urls.filter((url): url is string => typeof url === 'string').slice(0, MAX_URLS);
    const read = (): (string | null | undefined)[] => wanted.map((url) => maps.runText(pathOf(url), url));
    await new Promise<void>((resolve) => {
      setTimeout(resolve, PATIENCE_MS);
      maps.mapped(read, () => resolve());
    });
    const texts = read();
    for (let i = 0; i < wanted.length; i++) {
      const text = texts[i];
      if (text) await client.part({ part: 'map', url: wanted[i]!, text } satisfies LoadedMapPart);
    }
    return {};
  };
}
