/** What node:sqlite hands out and does not export: iterators over rows, and stores of statements. */
import type { Sensor } from '../guard.ts';
import { apply, getPrototypeOf } from '../primordials.ts';
import { replaceUntilLeft } from './leaving.ts';
import { type AnyFunction, putBack } from './replace.ts';

type Holder = Record<string, unknown>;

/** Which method makes one, and the name of its class in `SYNC_CALLS`. */
const MADE_BY = [
  ['StatementSync', 'iterate', 'StatementSyncIterator'],
  ['DatabaseSync', 'createTagStore', 'SQLTagStore'],
] as const;

/**
 * Passes the prototype of each class to `mark` when the program makes the first object of it: all of them share it. The methods that make
 * them are the originals again from then on.
 */
export function onSqliteObjects(
  classes: Record<string, Holder>,
  sensor: Sensor,
  mark: (holders: Record<string, Holder>) => void,
): void {
  for (const [maker, method, made] of MADE_BY) {
    const holder = classes[maker];
    const original = holder?.[method] as AnyFunction | undefined;
    if (!holder || typeof original !== 'function') continue;
    const { markedCall: wrapper } = {
      markedCall(this: unknown, ...args: unknown[]): unknown {
        const object = apply(original, this, args);
        try {
          putBack(holder, method, original, wrapper);
          mark({ [made]: getPrototypeOf(object as object) as Holder });
        } catch (error) {
          sensor.caught = { error };
        }
        return object;
      },
    };
    replaceUntilLeft(holder, method, original, wrapper);
  }
}
