import { process } from './primordials.ts';
/**
 * Whether the inspector may be used in this process.
 *
 * Node checks some of it only by native assertions, which end the process and cannot be caught: a session with a main
 * thread that has no inspector (as in the process that runs the others for `node --test`), or that the permission model
 * forbids. So it is checked here, in the thread itself, before another thread opens one.
 */
export type Inspection = 'possible' | 'forbidden' | 'absent';

/** The message in place of what the inspector would have provided. */
export const WITHOUT_INSPECTOR: Record<Exclude<Inspection, 'possible'>, string> = {
  forbidden:
    'The permission model forbids the inspector in this process: start it with --allow-inspector (Node 25 and later).',
  absent: 'This process has no inspector, so that nothing can be asked of its threads.',
};

type Inspector = typeof import('node:inspector');

/** Null in builds of Node without it. Loaded when it is first used. */
function inspector(): Inspector | null {
  try {
    return require('node:inspector') as Inspector;
  } catch {
    return null;
  }
}

export function isInspectorForbidden(): boolean {
  const { permission } = process as unknown as { permission?: { has(scope: string): boolean } };
  return permission !== undefined && !permission.has('inspector');
}

/** To be called in an observed thread: opens a session with itself and closes it at once (0.1 to 0.3 ms). */
export function askInspection(): Inspection {
  if (isInspectorForbidden()) return 'forbidden';
  try {
    const session = new (inspector()!.Session)();
    session.connect();
    session.disconnect();
    return 'possible';
  } catch {
    // A string is thrown if this thread has none, and null has no Session.
    return 'absent';
  }
}

/** The URL for debuggers of this thread; undefined if there is none. */
export function createDebuggerUrl(): () => string | undefined {
  const url = inspector()?.url;
  return url ? () => url() : () => undefined;
}
