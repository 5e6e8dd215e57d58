import { type OwnSession, withOwnSession } from '../../src/async-dump/own-session.ts';
import { ownStacks } from '../../src/util/own-stacks.ts';
import type { Inspection } from '../inspection.ts';
import { apply, process } from '../primordials.ts';

type Prepare = (realm: unknown, error: unknown, trace: NodeJS.CallSite[]) => unknown;
interface NodeInternals {
  internalBinding(name: 'errors'): { setPrepareStackTraceCallback(prepare: Prepare): void };
  requireBuiltin(name: 'internal/errors'): { prepareStackTraceCallback: Prepare };
}

/** Where Node's own functions find what they need of its internals: this one stays for old packages. */
const { binding } = process as unknown as { binding?: object };

/**
 * Leaves the agent's frames out of every stack that is written out in this thread: the wrapper of a built-in stands between
 * the program and what the built-in throws, or calls.
 *
 * V8 has Node write out stacks, by a function that only Node's internals can change. So a session of the thread with
 * itself looks them up (1 ms). Where there is none, or a Node has them elsewhere, the frames are seen.
 */
export function hideOwnFrames(inspection: Inspection): void {
  if (inspection !== 'possible' || typeof binding !== 'function') return;
  try {
    const internals = withOwnSession((session) => findInternals(session, binding));
    if (!internals) return;
    const { prepareStackTraceCallback } = internals.requireBuiltin('internal/errors');
    if (typeof prepareStackTraceCallback !== 'function') return;
    // The name by which profiles know what only passes on: what the program's own formatter does is not the agent's time.
    const { markedCall } = {
      markedCall: (realm: unknown, error: unknown, trace: NodeJS.CallSite[]) =>
        prepareStackTraceCallback(realm, error, ownStacks.now ? trace : withoutOurs(trace)),
    };
    internals.internalBinding('errors').setPrepareStackTraceCallback(markedCall);
  } catch {
    // As without.
  }
}

const names = ['internalBinding', 'requireBuiltin'] as const;

function findInternals(session: OwnSession, of: object): NodeInternals | null {
  const { internalProperties } = session.post('Runtime.getProperties', {
    objectId: session.handleOf(of),
    ownProperties: true,
  });
  const scopes = (internalProperties as RemoteProperty[]).find(({ name }) => name === '[[Scopes]]')?.value?.objectId;
  if (!scopes) return null;
  for (const { value } of propertiesOf(session, scopes)) {
    if (!value?.objectId || value.description === 'Global') continue;
    const variables = propertiesOf(session, value.objectId);
    const handles = names.map((wanted) => variables.find(({ name }) => name === wanted)?.value?.objectId);
    if (handles.some((handle) => handle === undefined)) continue;
    const [internalBinding, requireBuiltin] = handles.map((handle) => session.valueOf(handle!));
    return { internalBinding, requireBuiltin } as NodeInternals;
  }
  return null;
}

interface RemoteProperty {
  name: string;
  value?: { objectId?: string; description?: string };
}

function propertiesOf(session: OwnSession, objectId: string): RemoteProperty[] {
  const { result } = session.post('Runtime.getProperties', { objectId, ownProperties: true });
  return (result ?? []) as RemoteProperty[];
}

/** The frames of a stack that are not this file's: the same list where there are none. */
function withoutOurs(trace: NodeJS.CallSite[]): NodeJS.CallSite[] {
  try {
    let ours = 0;
    for (let i = 0; i < trace.length; i++) if (isOurs(trace[i]!)) ours++;
    if (ours === 0) return trace;
    const theirs: NodeJS.CallSite[] = [];
    for (let i = 0; i < trace.length; i++) if (!isOurs(trace[i]!)) theirs[theirs.length] = trace[i]!;
    return theirs;
  } catch {
    return trace;
  }
}

let fileOf: NodeJS.CallSite['getFileName'] | null = null;

function isOurs(site: NodeJS.CallSite): boolean {
  // All have the same: kept from before the program could replace it.
  fileOf ??= site.getFileName;
  return apply(fileOf, site, []) === __filename;
}
