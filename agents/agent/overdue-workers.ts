import { createSensor, guarded } from '../guard.ts';
import {
  getOwnPropertySymbols,
  monotonicMs,
  NativeInt32Array,
  NativeSharedArrayBuffer,
  NativeString,
  setTimeout,
  wait,
} from '../primordials.ts';
import { SWALLOWS_TERMINATIONS } from './own-hooks.ts';
import { markOwn } from './own-resources.ts';
import { lookAtThread } from './thread-look.ts';

/** Far more than a thread needs to end. */
const OVERDUE_MS = 250;
/** Later attempts: in a thread that does nothing but make resources, most attempts end one of its hooks. */
const AGAIN_MS = 25;
/** At the exit of whoever has terminated them, there is no later. `unseenMs`: where the kernel does not say which of them are there. */
const AT_EXIT = { mostMs: 500, unseenMs: 10, everyMs: 2 };

const startTimer = setTimeout;
const nothing = new NativeInt32Array(new NativeSharedArrayBuffer(4));

/** A worker with Node's own handle of it, which is null once it has ended. */
type HandleHolder = Record<symbol, { stopThread?: () => void } | null | undefined>;

/**
 * Tells workers of this thread that were terminated and have not ended again to end, until they do.
 *
 * A hook may just have begun when the thread is told to end, and the program's hooks do not give way (see own-hooks.ts): then the thread goes on,
 * and Node loses count of its hooks, so that they are called from then on in any case. `terminate` itself would add another
 * listener each time.
 */
export function createReminder(): Reminder {
  const sensor = createSensor('overdue worker threads', true);
  let told: Told[] = [];
  let isWaiting = false;
  /** Those that may not have ended. */
  const tellAgain = (): void => {
    const late = told;
    told = [];
    for (let i = 0; i < late.length; i++) {
      const handle = handleOf(late[i]!.worker);
      if (typeof handle?.stopThread !== 'function' || lookAtThread(late[i]!.nativeId)?.isGone) continue;
      handle.stopThread();
      told[told.length] = late[i]!;
    }
  };
  const remind = guarded(sensor, () => {
    isWaiting = false;
    tellAgain();
    if (told.length > 0) later(AGAIN_MS);
  });
  const later = (ms: number): void => {
    if (isWaiting) return;
    isWaiting = true;
    markOwn(startTimer(remind, ms).unref());
  };
  return {
    onTerminate(worker, nativeId) {
      if (!SWALLOWS_TERMINATIONS) return;
      told[told.length] = { worker: worker as HandleHolder, nativeId };
      later(OVERDUE_MS);
    },
    atExit: guarded(sensor, () => {
      const from = monotonicMs();
      for (tellAgain(); told.length > 0; tellAgain()) {
        const isSeen = told.some(({ nativeId }) => lookAtThread(nativeId) !== null);
        if (monotonicMs() - from >= (isSeen ? AT_EXIT.mostMs : AT_EXIT.unseenMs)) return;
        wait(nothing, 0, 0, AT_EXIT.everyMs);
      }
    }),
  };
}

export interface Reminder {
  /** Before the worker is terminated. */
  onTerminate(worker: object, nativeId: number): void;
  /** This thread ends, and waits for them: for ever if one of them goes on. */
  atExit(): void;
}

/** `nativeId`: its number in the kernel, 0 if that is not known. */
interface Told {
  worker: HandleHolder;
  nativeId: number;
}

function handleOf(worker: HandleHolder): HandleHolder[symbol] {
  const keys = getOwnPropertySymbols(worker);
  for (let i = 0; i < keys.length; i++) if (NativeString(keys[i]!) === 'Symbol(kHandle)') return worker[keys[i]!];
  return null;
}
