import { extname } from 'node:path';
import type { RunText } from '../../src/recording/source-maps.ts';
import { readRegular } from '../../src/util/regular-file.ts';
import type { StackCapture } from './platform/stack-capture.ts';

/** Node runs these as they are on disk: until somebody says otherwise, their lines are right. */
const JAVASCRIPT = new Set(['', '.cjs', '.js', '.mjs']);
/** A larger file is a bundle, with its map beside it. */
const MAX_FILE_BYTES = 8e6;
const MAX_FILES = 500;
/** The thread answers between two callbacks: one that has not done so after as many ticks of a loop that turns is not waited for. */
const MAX_TICKS = 60;

export type LoadedMaps = ReturnType<typeof createLoadedMaps>;

/**
 * Maps of the files that were changed while they were loaded: TypeScript through tsx, ts-node or Node itself. They are in no
 * file, so the thread is asked for them when a frame of one has been seen, and posts them once its stack is empty.
 */
export function createLoadedMaps(capture: Pick<StackCapture, 'call'>) {
  const known = new Map<string, string | null>();
  const wanted = new Map<string, { path: string; ticks: number }>();
  let waiting: (() => void)[] = [];
  let unasked: string[] = [];

  const learn = (path: string, text: string | null): void => {
    if (known.size >= MAX_FILES) known.delete(known.keys().next().value!);
    known.set(path, text);
  };
  const goOn = (): void => {
    if (wanted.size > 0) return;
    const ready = waiting;
    waiting = [];
    for (const use of ready) use();
  };
  const runText: RunText = (path, url) => {
    const text = known.get(path);
    if (text !== undefined) return text;
    if (hasMapOnDisk(path)) {
      learn(path, null);
      return null;
    }
    if (!wanted.has(url)) {
      wanted.set(url, { path, ticks: 0 });
      unasked.push(url);
    }
    return undefined;
  };
  return {
    runText,
    /** Whether the lines of this file are not those of its text, for all that is known yet. */
    isUnknown: (path: string): boolean =>
      !JAVASCRIPT.has(extname(path)) && [...wanted.values()].some((file) => file.path === path),
    /** To be called often: asks, and gives up what a loop that turns does not answer. */
    tick(turns: boolean): void {
      if (unasked.length > 0) capture.call('maps', 'wantMaps', [unasked.splice(0)]);
      if (wanted.size === 0 || !turns) return;
      for (const [url, file] of wanted) {
        if (++file.ticks <= MAX_TICKS) continue;
        wanted.delete(url);
        learn(file.path, null);
      }
      goOn();
    },
    /** What the thread posted. */
    onMaps(maps: Record<string, string | null>): void {
      for (const [url, text] of Object.entries(maps)) {
        const file = wanted.get(url);
        if (file) learn(file.path, text);
        wanted.delete(url);
      }
      goOn();
    },
    /** Makes something of frames, and uses it once the maps of all of them are known: at once where they are. */
    mapped<T>(make: () => T, use: (made: T) => void): void {
      const made = make();
      if (wanted.size === 0) use(made);
      else waiting.push(() => use(make()));
    },
    /** Nothing more will be answered. */
    finish(): void {
      for (const { path } of wanted.values()) learn(path, null);
      wanted.clear();
      unasked = [];
      goOn();
    },
  };
}

/** Also where there is no such file: then there is nothing to be mapped to. */
function hasMapOnDisk(path: string): boolean {
  try {
    return readRegular(path, MAX_FILE_BYTES)?.includes('# sourceMappingURL=') ?? true;
  } catch {
    return true;
  }
}
