import type { Wait } from '../../src/library/types.ts';
import { monotonicMs } from '../primordials.ts';
import { AwaitHooks } from './await-hooks.ts';
import { type Holder, toEnded } from './awaits.ts';
import { close, newTurning } from './turns.ts';

export interface FollowedCall {
  /** Calls the function: what it awaits, now and later, is followed. */
  run<T>(fn: () => T): T;
  /** Ends following; what is suspended still counts until now. */
  end(): {
    waits: Wait[];
    unfollowedWaits: number;
    /** When the thread ran the function or what it started: from and to in turn, ms of the monotonic clock. */
    turns: readonly number[];
  };
}

let hooks: AwaitHooks | null = null;
let openCount = 0;

/**
 * Follows a function: its awaits, and when it runs. The awaits by V8's promise hooks: with one enabled, V8 makes a promise for each await, whose
 * parent is what is awaited, and calls `before` on it when the function goes on. An AsyncLocalStorage knows what belongs
 * to which profile; they may be nested and overlap. Stacks are taken meanwhile and read afterwards.
 */
export function followCall(): FollowedCall {
  hooks ??= new AwaitHooks();
  openCount++;
  const { storage, turns } = hooks;
  const outer = storage.getStore()?.around ?? [];
  const holder: Holder = {
    ...newTurning(),
    around: [],
    open: new Set(),
    ended: [],
    waits: new Map(),
    taken: 0,
    unfollowed: 0,
    closed: false,
  };
  holder.around = [holder, ...outer];
  return {
    run: (fn) => storage.run(holder, () => turns.run(holder, fn)),
    end() {
      const now = monotonicMs();
      for (const one of holder.open) holder.ended.push(toEnded(one, now, true, holder));
      holder.open.clear();
      holder.closed = true;
      close(holder, now);
      hooks?.read(holder);
      if (--openCount === 0) {
        hooks?.stop();
        hooks = null;
      }
      return { waits: [...holder.waits.values()], unfollowedWaits: holder.unfollowed, turns: holder.turns };
    },
  };
}
