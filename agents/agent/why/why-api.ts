import type { RawHandleSite, ThreadApi } from '../../../src/protocol/thread-api.ts';
import { toJson } from '../../primordials.ts';
import { needRoom } from '../timer-room.ts';

/** What is kept alive is told with regular expressions: V8 ends the process where it compiles one and the stack is nearly full. */
const CALLS = 500;

/** Loaded with EVDIAG_WHY, and when it is first asked for. */
const loadOrigins = () => require('./origins.ts') as typeof import('./origins.ts');
const loadAlive = () => require('./alive.ts') as typeof import('./alive.ts');

/** The part of the agent API that `evdiag why` uses; `followsOrigins`: from now on, it is kept what leads to each thing. */
export function createWhyApi(
  followsOrigins: boolean,
  siteOf: (id: number) => Pick<RawHandleSite, 'frames' | 'ageMs'> | null,
): Pick<ThreadApi, 'why'> {
  const origins = followsOrigins ? new (loadOrigins().Origins)() : null;
  return {
    why() {
      // The thread may be interrupted anywhere.
      needRoom(CALLS);
      return toJson(loadAlive().whatKeepsAlive({ origins, siteOf }));
    },
  };
}
