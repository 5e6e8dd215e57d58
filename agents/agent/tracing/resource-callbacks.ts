import { EventKind } from '../../../src/protocol/async-trace.ts';
import { isOff, type Sensor } from '../../guard.ts';
import { NativeNumber } from '../../primordials.ts';
import { enterInit, inits } from '../own-hooks.ts';
import type { Write } from './event-ring.ts';
import { type createNames, TYPES } from './names.ts';
import { createOldResources } from './old-resources.ts';
import type { SiteSampling } from './site-sampling.ts';

/** Events of resources, by their async id. */
export function resourceCallbacks(
  write: Write,
  sites: SiteSampling,
  names: ReturnType<typeof createNames>,
  sensor: Sensor,
) {
  const old = createOldResources(names);
  let first = NativeNumber.POSITIVE_INFINITY;
  const callbacks = {
    init(asyncId: number, type: string, trigger: number) {
      let entered = false;
      try {
        // If another hook wants promises, Node calls this one for them too.
        if (type === 'PROMISE' || isOff(sensor)) return;
        entered = enterInit();
        if (!entered) return;
        if (asyncId < first) first = asyncId;
        write(EventKind.Init, names.type(type), asyncId, trigger, sites.ofResource(type, callbacks.init));
      } catch (error) {
        sensor.caught = { error };
      }
      if (entered) inits.words[inits.at]! += 1;
    },
    before(asyncId: number) {
      try {
        if (isOff(sensor)) return;
        write(EventKind.Before, asyncId < first ? old.typeOf(asyncId) : TYPES.none, asyncId, 0, 0);
      } catch (error) {
        sensor.caught = { error };
      }
    },
    after(asyncId: number) {
      try {
        if (!isOff(sensor)) write(EventKind.After, 0, asyncId, 0, 0);
      } catch (error) {
        sensor.caught = { error };
      }
    },
    destroy(asyncId: number) {
      try {
        if (!isOff(sensor)) write(EventKind.Destroy, 0, asyncId, 0, 0);
      } catch (error) {
        sensor.caught = { error };
      }
    },
  };
  return callbacks;
}
