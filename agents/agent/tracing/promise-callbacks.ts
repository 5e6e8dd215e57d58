import { EventKind } from '../../../src/protocol/async-trace.ts';
import { isOff, type Sensor } from '../../guard.ts';
import { abs } from '../../primordials.ts';
import type { PromiseCallbacks } from '../../promise-hooks.ts';
import { isArming } from '../microtask-turns.ts';
import type { Write } from './event-ring.ts';
import { PromiseId } from './promise-ids.ts';
import type { SiteSampling } from './site-sampling.ts';

/** Events of promises; the number of a promise that is derived from another is negative. */
export function promiseCallbacks(write: Write, sites: SiteSampling, sensor: Sensor): Required<PromiseCallbacks> {
  let last = 0;
  const made = (promise: object, parent: object | undefined, site: number): void => {
    const number = ++last;
    const from = parent === undefined ? 0 : abs(PromiseId.of(parent));
    PromiseId.set(promise, parent === undefined || from === 0 ? number : -number);
    write(EventKind.PromiseInit, parent === undefined ? 0 : 1, number, from, site);
  };
  const callbacks = {
    init(promise: object, parent?: object) {
      try {
        if (isOff(sensor) || isArming()) return;
        made(promise, parent, sites.ofPromise(callbacks.init));
      } catch (error) {
        sensor.caught = { error };
      }
    },
    before(promise: object) {
      try {
        if (isOff(sensor)) return;
        const number = abs(PromiseId.of(promise));
        if (number === 0) PromiseId.set(promise, ++last);
        write(EventKind.PromiseBefore, number === 0 ? 1 : 0, number || last, 0, 0);
      } catch (error) {
        sensor.caught = { error };
      }
    },
    after(promise: object) {
      try {
        if (!isOff(sensor)) write(EventKind.PromiseAfter, 0, abs(PromiseId.of(promise)), 0, 0);
      } catch (error) {
        sensor.caught = { error };
      }
    },
    settled(promise: object) {
      try {
        if (isOff(sensor)) return;
        const number = PromiseId.of(promise);
        if (number > 0) write(EventKind.Settled, 0, number, 0, 0);
      } catch (error) {
        sensor.caught = { error };
      }
    },
  };
  return callbacks;
}
