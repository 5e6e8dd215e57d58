import { load } from '../primordials.ts';
import { Word } from '../shared-memory.ts';
import type { SampleMessage } from '../watchdog/types.ts';

/** Messages of a thread, one a second: if the watchdog has not taken this many, it is waiting for its storage, or for a core. */
const MAX_UNREAD = 120;

/** Limits what waits for the watchdog in memory: null if a message is not to be posted. The next one that is posted says how many rows are lost. */
export function boundUnread(): (sample: SampleMessage, control: Int32Array) => SampleMessage | null {
  let posted = 0;
  let dropped = 0;
  return (sample, control) => {
    if (posted - load(control, Word.SamplesTaken) >= MAX_UNREAD) {
      dropped += sample.rows.length;
      return null;
    }
    posted++;
    const bounded = dropped > 0 ? { ...sample, dropped } : sample;
    dropped = 0;
    return bounded;
  };
}
