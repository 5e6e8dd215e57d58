import { createSensor, guarded } from '../../guard.ts';
import type { RawRejection } from '../../tracked.ts';
import type { Site } from './sites.ts';

/** Kept between two readings, by stack. */
const MAX_KINDS = 40;
const STACK_LIMIT = 4000;

const EVENT = 'unhandledRejection';

/**
 * Counts rejections that nothing handled. While the application has no handler of its own, a listener of ours would
 * keep Node from ending the process, so that ours comes and goes with the application's.
 */
export function followRejections(siteOf: (promise: object) => Site | null) {
  const seen = new Map<string, RawRejection>();
  let listening = false;
  const sensor = createSensor('counting rejections');
  // Our listener goes with the last of the application's even where counting has failed.
  const following = createSensor('following listeners', true);

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
  const follow = (event: string | symbol, others: number): void => {
    if (event !== EVENT || others > 0 === listening) return;
    listening = others > 0;
    if (listening) process.prependListener(EVENT, onUnhandled);
    else process.removeListener(EVENT, onUnhandled);
  };
  const others = (): number => process.listenerCount(EVENT) - (listening ? 1 : 0);
  const onNew = guarded(following, (event: string | symbol, listener: unknown) => {
    if (listener !== onUnhandled) follow(event, others() + 1);
  });
  const onRemove = guarded(following, (event: string | symbol, listener: unknown) => {
    if (listener !== onUnhandled) follow(event, others());
  });

  process.on('newListener', onNew);
  process.on('removeListener', onRemove);
  process.on('rejectionHandled', onLate);
  process.on('uncaughtExceptionMonitor', onFatal);
  follow(EVENT, process.listenerCount(EVENT));

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
    if (reason instanceof Error) return { name: reason.name, stack: String(reason.stack).slice(0, STACK_LIMIT) };
  } catch {
    // A getter of the application's, perhaps.
  }
  return { name: typeof reason, stack: '' };
}
