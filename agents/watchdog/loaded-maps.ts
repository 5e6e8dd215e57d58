import { extname } from 'node:path';
import type { RunText } from '../../src/recording/source-maps.ts';
import { readRegular } from '../../src/util/regular-file.ts';
import type { StackCapture } from './platform/stack-capture.ts';

/** Node runs these as they are on disk: their lines are right unless a loader is seen. */
const JAVASCRIPT = new Set(['', '.cjs', '.js', '.mjs']);
/** A larger file is a bundle, with its map beside it. */
const MAX_FILE_BYTES = 8e6;
const MAX_FILES = 500;
/** The thread answers between two callbacks: if it has not after this many ticks of a turning loop, it is not waited for. */
const MAX_TICKS = 60;

/**
 * Maps of files that were changed while they were loaded: TypeScript through tsx, ts-node or Node itself. They are in no
 * file, so the thread is asked for them when a frame of one has been seen, and posts them once its stack is empty.
 */
export class LoadedMaps {
  readonly #capture: Pick<StackCapture, 'call'>;
  readonly #known = new Map<string, string | null>();
  readonly #wanted = new Map<string, { path: string; ticks: number }>();
  #waiting: (() => void)[] = [];
  #unasked: string[] = [];

  constructor(capture: Pick<StackCapture, 'call'>) {
    this.#capture = capture;
  }

  readonly runText: RunText = (path, url) => {
    const text = this.#known.get(path);
    if (text !== undefined) return text;
    if (hasMapOnDisk(path)) {
      this.#learn(path, null);
      return null;
    }
    if (!this.#wanted.has(url)) {
      this.#wanted.set(url, { path, ticks: 0 });
      this.#unasked.push(url);
    }
    return undefined;
  };

  /** Whether the lines of this file may differ from those of its text, as far as is known. */
  isUnknown(path: string): boolean {
    return !JAVASCRIPT.has(extname(path)) && [...this.#wanted.values()].some((file) => file.path === path);
  }

  /** To be called often: asks, and gives up on a turning loop that does not answer. */
  tick(turns: boolean): void {
    if (this.#unasked.length > 0) this.#capture.call('maps', 'wantMaps', [this.#unasked.splice(0)]);
    if (this.#wanted.size === 0 || !turns) return;
    for (const [url, file] of this.#wanted) {
      if (++file.ticks <= MAX_TICKS) continue;
      this.#wanted.delete(url);
      this.#learn(file.path, null);
    }
    this.#goOn();
  }

  /** What the thread posted. */
  onMaps(maps: Record<string, string | null>): void {
    for (const [url, text] of Object.entries(maps)) {
      const file = this.#wanted.get(url);
      if (file) this.#learn(file.path, text);
      this.#wanted.delete(url);
    }
    this.#goOn();
  }

  /** Makes something from frames, and uses it once the maps of all of them are known: at once if they are. */
  mapped<T>(make: () => T, use: (made: T) => void): void {
    const made = make();
    if (this.#wanted.size === 0) use(made);
    else this.#waiting.push(() => use(make()));
  }

  /** No more answers will come. */
  finish(): void {
    for (const { path } of this.#wanted.values()) this.#learn(path, null);
    this.#wanted.clear();
    this.#unasked = [];
    this.#goOn();
  }

  #learn(path: string, text: string | null): void {
    if (this.#known.size >= MAX_FILES) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(path, text);
  }

  #goOn(): void {
    if (this.#wanted.size > 0) return;
    const ready = this.#waiting;
    this.#waiting = [];
    for (const use of ready) use();
  }
}

/** Also if there is no such file: then there is nothing to map to. */
function hasMapOnDisk(path: string): boolean {
  try {
    return readRegular(path, MAX_FILE_BYTES)?.includes('# sourceMappingURL=') ?? true;
  } catch {
    return true;
  }
}
