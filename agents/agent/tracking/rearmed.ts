import { monotonicMs, NativeWeakRef } from '../../primordials.ts';
import type { RawFrame } from '../../shared-memory.ts';
import type { FollowedHandle } from './handle-state.ts';
import { begin, end, isNodes, type Sites } from './sites.ts';

/** Detail of a timer that its callback starts again. */
const RE_ARMED = 're-armed';

/** A one-shot timer whose callback runs. */
export function firingTimer(running: FollowedHandle | undefined): FollowedHandle | undefined {
  return running?.site.type === 'Timeout' && running.site.detail !== 'interval' ? running : undefined;
}

interface NewTimer {
  id: number;
  resource: object;
  frames: RawFrame[];
  sites: Sites;
}

/** A timer that its own callback starts again where it was started is one chain, as old as its first. False for another one. */
export function rearm(firing: FollowedHandle, { id, resource, frames, sites }: NewTimer): boolean {
  if (!isSamePlace(frames, firing.site.frames)) return false;
  const site = sites.here('handle', 'Timeout', RE_ARMED, frames);
  if (!site) return false;
  if (firing.site !== site) {
    end(firing, monotonicMs());
    firing.site = site;
    // Each time that a chain is started again it may be chosen: in the end all are followed, and each is one.
    firing.weight = 1;
    begin(firing);
  }
  firing.id = id;
  firing.ref = new NativeWeakRef(resource);
  return true;
}

/** A chain that starts the same callback again goes on: no stack is needed to know that, and chains may be many and fast. */
export function continues(firing: FollowedHandle, id: number, resource: object): boolean {
  const callback = callbackOf(resource);
  if (firing.site.detail !== RE_ARMED || callback === null || callback !== callbackOf(firing.ref.deref())) return false;
  firing.id = id;
  firing.ref = new NativeWeakRef(resource);
  return true;
}

/** As Node keeps it while the timer is active, and while its callback runs. */
function callbackOf(timer: object | undefined): unknown {
  const callback = timer && (timer as { _onTimeout?: unknown })._onTimeout;
  return typeof callback === 'function' ? callback : null;
}

/** By the innermost frame of the program. */
function isSamePlace(a: RawFrame[], b: RawFrame[]): boolean {
  const [one, other] = [a, b].map((frames) => frames.find((frame) => !isNodes(frame)));
  if (!one || !other) return false;
  return one[1] === other[1] && one[2] === other[2] && one[3] === other[3];
}
