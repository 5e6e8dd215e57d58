import { createSensor, isOff } from '../guard.ts';
import { apply } from '../primordials.ts';
import { type SharedMemory, Word } from '../shared-memory.ts';
import { MarkedSites } from './marked-sites.ts';
import { type AnyFunction, hasPrototype, like } from './replace.ts';

/**
 * Marks of calls in shared memory, while these run. What a call allocates is sampled under the name `markedCall`, and its time: see
 * the watchdog's allocations.ts, and agent-frames.ts. So no function of another name may be between the program and the call.
 */
export function createCallMarks(shared: SharedMemory, callCount: number) {
  const { control } = shared;
  const sites = new MarkedSites(shared, callCount);
  const sensor = createSensor('the marks of synchronous calls');

  const begin = (index: number, caller: AnyFunction): void => {
    try {
      if (isOff(sensor)) return;
      const sequence = (control[Word.SyncSequence]! + 1) | 0;
      control[Word.SyncSequence] = sequence;
      control[Word.SyncCall] = index + 1;
      sites.write(index, sequence, caller);
    } catch (error) {
      sensor.caught = { error };
    }
  };
  const { markedCall: during } = {
    markedCall(index: number, caller: AnyFunction, call: () => unknown): unknown {
      // Only the outermost call is marked: it is the one in the application's code.
      if (control[Word.SyncCall] !== 0) return call();
      try {
        begin(index, caller);
        return call();
      } finally {
        control[Word.SyncCall] = 0;
      }
    },
  };
  const marked = (index: number, original: AnyFunction): AnyFunction => {
    // Both variants, because `like` would add another call: each frame of ours takes the place of one of the program's.
    const builtIn = {
      markedCall(this: unknown, ...args: unknown[]): unknown {
        if (control[Word.SyncCall] !== 0) return apply(original, this, args);
        try {
          begin(index, wrapper);
          return apply(original, this, args);
        } finally {
          control[Word.SyncCall] = 0;
        }
      },
    };
    const nodes = function markedCall(this: unknown, ...args: unknown[]): unknown {
      if (control[Word.SyncCall] !== 0) return apply(original, this, args);
      try {
        begin(index, wrapper);
        return apply(original, this, args);
      } finally {
        control[Word.SyncCall] = 0;
      }
    };
    const wrapper = like(original, hasPrototype(original) ? nodes : builtIn.markedCall);
    return wrapper;
  };
  /** `during` marks the call of that number while it runs; `marked` makes a function that does so. Call `look` about once a second. */
  return { during, marked, look: () => sites.look() };
}
