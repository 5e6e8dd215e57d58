import { type RawFrame, type SharedMemory, Word } from '../../shared-memory.ts';

/** The call site that the observed thread wrote when it entered the running marked call; null if it did not. */
export function readSite(shared: SharedMemory): RawFrame[] | null {
  return readText(shared, Atomics.load(shared.control, Word.SyncSequence));
}

/** That of a call of the same function (1 + index into SYNC_CALLS) since a site was last requested. */
export function readRecentSite(shared: SharedMemory, call: number): RawFrame[] | null {
  const { control } = shared;
  if (Atomics.load(control, Word.SiteWanted) !== 0 || Atomics.load(control, Word.SiteCall) !== call) return null;
  return readText(shared, Atomics.load(control, Word.SiteSequence));
}

function readText({ control, site }: SharedMemory, sequence: number): RawFrame[] | null {
  if (Atomics.load(control, Word.SiteSequence) !== sequence) return null;
  const text = String.fromCharCode(...site.subarray(0, Atomics.load(control, Word.SiteLength)));
  if (Atomics.load(control, Word.SiteSequence) !== sequence) return null;
  try {
    return JSON.parse(text) as RawFrame[];
  } catch {
    // The main thread has gone on and is writing the next site.
    return null;
  }
}
