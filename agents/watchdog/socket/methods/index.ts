import type { MethodName } from '../../../../src/protocol/methods.ts';
import { allocationProfile } from './allocation-profile.ts';
import { asyncTrace } from './async-trace.ts';
import { cpuProfile } from './cpu-profile.ts';
import { createDump } from './dump.ts';
import { estimate } from './estimate.ts';
import { hello } from './hello.ts';
import { leave } from './leave.ts';
import { loadedMaps } from './loaded-maps.ts';
import { recentProfile } from './recent-profile.ts';
import { setLevel } from './set-level.ts';
import { createSnapshot } from './snapshot.ts';
import type { Method, MethodTable, Target } from './types.ts';
import { watch } from './watch.ts';
import { why } from './why.ts';

/** The methods of the live socket. Those that ask the threads run one after the other. */
export function createMethods(target: Target): MethodTable {
  let last: Promise<unknown> = Promise.resolve();
  const inTurn =
    <Name extends MethodName>(method: Method<Name>): Method<Name> =>
    (params, client) => {
      const mine = last.then(() => method(params, client));
      last = mine.catch(() => {});
      return mine;
    };
  return {
    'allocation-profile': allocationProfile(target),
    ...asyncTrace(target),
    ...cpuProfile(target),
    dump: inTurn(createDump(target)),
    estimate: inTurn(estimate(target)),
    hello: hello(target),
    leave: leave(target),
    'loaded-maps': loadedMaps(target),
    'recent-profile': recentProfile(target),
    'set-level': setLevel(target),
    snapshot: inTurn(createSnapshot(target)),
    watch: watch(target),
    why: inTurn(why(target)),
  };
}
