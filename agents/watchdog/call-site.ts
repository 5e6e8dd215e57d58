import { type RawFrame, type SharedMemory, Word } from '../shared-memory.ts';

/** The call site that the observed thread wrote on entering the marked call that is running; null where it did not. */
export function readSite({ control, site }: SharedMemory): RawFrame[] | null {
  const sequence = Atomics.load(control, Word.SyncSequence);
  if (Atomics.load(control, Word.SiteSequence) !== sequence) return null;
  const text = String.fromCharCode(...site.subarray(0, Atomics.load(control, Word.SiteLength)));
  if (Atomics.load(control, Word.SiteSequence) !== sequence) return null;
  try {
    return JSON.parse(text) as RawFrame[];
  } catch {
    // The main thread went on and was writing the next site.
    return null;
  }
}
