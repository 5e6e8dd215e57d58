/** Source maps of ES modules that only V8 has: a loader keeps them to itself, and cannot be asked again before Node 24. */
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withOwnSession } from '../../src/async-dump/own-session.ts';
import { MAX_MAP_LENGTH } from '../../src/util/loaded-map.ts';
import { monotonicMs, NativeNumber, NativeSet, process } from '../primordials.ts';

/** From then on `importedText` asks the loader. */
const FIRST_ASKED = 24;
const MAJOR = NativeNumber(process.versions.node.split('.')[0]);
/** Node loads it when hooks of `import` are registered. */
const HOOKS = 'NativeModule internal/modules/esm/hooks';
/**
 * V8 describes all scripts at once, each in some 0.1 ms, or 0.4 ms with a map of 20 KB. How many there are cannot be asked without it, or
 * without ending a measurement of coverage; their texts are in the heap.
 */
const MAX_HEAP_BYTES = 64e6;
/** For all times together. */
const BUDGET_MS = 200;

let spentMs = 0;

interface Script {
  url: string;
  sourceMapURL?: string;
}

/** Of these files, what `sourceMappingURL` their texts end in, by URL; those without one are left out. Blocks for 20 to 100 ms. */
export function parsedMaps(urls: readonly string[]): Record<string, string> {
  const wanted = new NativeSet(urls.filter(isTranslated));
  const maps: Record<string, string> = {};
  if (wanted.size === 0 || MAJOR >= FIRST_ASKED || spentMs >= BUDGET_MS || !isPossible()) return maps;
  const from = monotonicMs();
  for (const { url, sourceMapURL = '' } of scripts()) {
    if (!wanted.has(url) || !sourceMapURL.startsWith('data:') || sourceMapURL.length > MAX_MAP_LENGTH) continue;
    maps[url] = `//# sourceMappingURL=${sourceMapURL}`;
  }
  spentMs += monotonicMs() - from;
  return maps;
}

function isPossible(): boolean {
  const { moduleLoadList } = process as unknown as { moduleLoadList?: string[] };
  return moduleLoadList?.includes(HOOKS) === true && process.memoryUsage().heapUsed < MAX_HEAP_BYTES;
}

function isTranslated(url: string): boolean {
  return url.startsWith('file:') && !['', '.cjs', '.js', '.mjs'].includes(extname(fileURLToPath(url)));
}

/** None without an inspector. */
function scripts(): Script[] {
  try {
    return withOwnSession((session) => {
      const parsed = session.eventsOf('Debugger.enable', 'Debugger.scriptParsed') as unknown as Script[];
      session.post('Debugger.disable');
      return parsed;
    });
  } catch {
    return [];
  }
}
