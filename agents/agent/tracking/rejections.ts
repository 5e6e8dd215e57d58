import { createSensor, guarded } from '../../guard.ts';
import { NativeError, NativeMap, NativeString, process } from '../../primordials.ts';
import type { RawRejection } from '../../tracked.ts';
import { listenUnseen } from '../unseen-listeners.ts';
import type { Site } from './sites.ts';

/** Kept between two readings, by stack. */
const MAX_KINDS = 40;
const STACK_LIMIT = 4000;

const EVENT = 'unhandledRejection';

/**
 * Counts rejections that nothing handled. While the application has no handler of its own, a listener of ours would
 * keep Node from ending the process, so ours is called only together with the application's.
 */
export function followRejections(siteOf: (promise: object) => Site | null) {
  const seen = new NativeMap<string, RawRejection>();
  const sensor = createSensor('counting rejections');

  const count = (kind: RawRejection['kind'], reason: unknown, promise: object | null): void => {
    const { name, stack } = describe(reason);
    const site = promise ? siteOf(promise) : null;
    const key = `${kind} ${site?.id ?? ''} ${stack}`;
    const known = seen.get(key);
    if (known) known.count++;
    else if (seen.size < MAX_KINDS) seen.set(key, { kind, count: 1, error: name, stack, call: site?.frames ?? null });
  };
  const onUnhandled = guarded(sensor, (reason: unknown, promise: object) => count('swallowed', reason, promise));
  const onLate = guarded(sensor, (promise: object) => count('late', null, promise));
  const onFatal = guarded(sensor, (reason: unknown, origin: string) => {
    if (origin === EVENT) count('fatal', reason, null);
  });

  listenUnseen(process, 'unhandledRejection', onUnhandled, true);
  listenUnseen(process, 'rejectionHandled', onLate);
  listenUnseen(process, 'uncaughtExceptionMonitor', onFatal);

  return {
    read(): RawRejection[] {
      const rows = [...seen.values()];
      seen.clear();
      return rows;
    },
  };
}

function describe(reason: unknown): { name: string; stack: string } {
  try {
    if (reason instanceof NativeError)
      return { name: reason.name, stack: NativeString(reason.stack).slice(0, STACK_LIMIT) };
  } catch {
    // Perhaps a getter of the application.
  }
  return { name: typeof reason, stack: '' };
}
