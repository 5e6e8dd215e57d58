import { type OwnSession, withOwnSession } from '../../src/async-dump/own-session.ts';
import type { Inspection } from '../inspection.ts';
import { process } from '../primordials.ts';

export type Prepare = (realm: unknown, error: unknown, trace: NodeJS.CallSite[]) => unknown;

/** A built-in module, as Node keeps it, loaded or not. */
export interface BuiltinModule {
  loaded: boolean;
  /** Loads it where it is not yet, whoever asks. */
  compileForInternalLoader(): unknown;
}

export interface NodeInternals {
  internalBinding(name: 'errors'): { setPrepareStackTraceCallback(prepare: Prepare): void };
  requireBuiltin(name: 'internal/errors'): { prepareStackTraceCallback: Prepare };
  BuiltinModule: { map: ReadonlyMap<string, BuiltinModule> };
}

/** Where Node's own functions find what they need of its internals: this one stays for old packages. */
const { binding } = process as unknown as { binding?: object };

/**
 * What only Node's internals can change, found by a session of the thread with itself (1 ms). Null where there is none, or a Node
 * has them elsewhere.
 */
export function findInternals(inspection: Inspection): NodeInternals | null {
  if (inspection !== 'possible' || typeof binding !== 'function') return null;
  try {
    return withOwnSession((session) => internalsBehind(session, binding));
  } catch {
    return null;
  }
}

function internalsBehind(session: OwnSession, of: object): NodeInternals | null {
  const { internalProperties } = session.post('Runtime.getProperties', {
    objectId: session.handleOf(of),
    ownProperties: true,
  });
  const scopes = (internalProperties as RemoteProperty[]).find(({ name }) => name === '[[Scopes]]')?.value?.objectId;
  if (!scopes) return null;
  // A list of scopes, whose objects have the variables for properties: to have the inspector list these would take as long as all the rest.
  const list = session.valueOf(scopes) as { object?: Partial<NodeInternals> }[];
  for (let i = 0; i < list.length; i++) {
    const { internalBinding, requireBuiltin, BuiltinModule } = list[i]!.object ?? {};
    if (internalBinding && requireBuiltin && BuiltinModule) return { internalBinding, requireBuiltin, BuiltinModule };
  }
  return null;
}

interface RemoteProperty {
  name: string;
  value?: { objectId?: string };
}
