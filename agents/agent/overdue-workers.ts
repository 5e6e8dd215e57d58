import { createSensor, guarded } from '../guard.ts';
import { getOwnPropertySymbols, NativeString, setTimeout } from '../primordials.ts';
import { SWALLOWS_TERMINATIONS } from './own-hooks.ts';
import { markOwn } from './own-resources.ts';

/** Far more than a thread needs to end. */
const OVERDUE_MS = 250;
/** Later attempts: in a thread that does nothing but make resources, most attempts end one of its hooks. */
const AGAIN_MS = 25;

const startTimer = setTimeout;

/** A worker with Node's own handle of it, which is null once it has ended. */
type HandleHolder = Record<symbol, { stopThread?: () => void } | null | undefined>;

/**
 * Tells workers of this thread that were terminated and have not ended again to end, until they do.
 *
 * A hook may just have begun when the thread is told to end, and the program's hooks do not give way (see own-hooks.ts): then the thread goes on,
 * and Node loses count of its hooks, so that they are called from then on in any case. `terminate` itself would add another
 * listener each time.
 */
export function createReminder(): (worker: object) => void {
  const sensor = createSensor('overdue worker threads', true);
  let told: HandleHolder[] = [];
  let isWaiting = false;
  const remind = guarded(sensor, () => {
    isWaiting = false;
    const late = told;
    told = [];
    for (let i = 0; i < late.length; i++) {
      const handle = handleOf(late[i]!);
      if (typeof handle?.stopThread !== 'function') continue;
      handle.stopThread();
      told[told.length] = late[i]!;
    }
    if (told.length > 0) wait(AGAIN_MS);
  });
  const wait = (ms: number): void => {
    if (isWaiting) return;
    isWaiting = true;
    markOwn(startTimer(remind, ms).unref());
  };
  return (worker) => {
    if (!SWALLOWS_TERMINATIONS) return;
    told[told.length] = worker as HandleHolder;
    wait(OVERDUE_MS);
  };
}

function handleOf(worker: HandleHolder): HandleHolder[symbol] {
  const keys = getOwnPropertySymbols(worker);
  for (let i = 0; i < keys.length; i++) if (NativeString(keys[i]!) === 'Symbol(kHandle)') return worker[keys[i]!];
  return null;
}
