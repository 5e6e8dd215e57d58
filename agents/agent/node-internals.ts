import { type OwnSession, withOwnSession } from '../../src/async-dump/own-session.ts';
import { type Inspection, isInspectorForbidden } from '../inspection.ts';
import { process } from '../primordials.ts';

type Prepare = (realm: unknown, error: unknown, trace: NodeJS.CallSite[]) => unknown;

/** A built-in module in Node's own list, loaded or not. */
export interface BuiltinModule {
  loaded: boolean;
  /** Loads it if it is not loaded yet, for any caller. */
  compileForInternalLoader(): unknown;
}

export interface NodeInternals {
  internalBinding(name: 'async_wrap'): {
    async_hook_fields: Uint32Array;
    constants: { kUsesExecutionAsyncResource: number };
  };
  internalBinding(name: 'errors'): { setPrepareStackTraceCallback(prepare: Prepare): void };
  internalBinding(name: 'util'): { privateSymbols?: { arrow_message_private_symbol?: symbol } };
  requireBuiltin(name: 'internal/errors'): { prepareStackTraceCallback: Prepare };
  requireBuiltin(name: 'internal/fs/promises'): Record<string, unknown>;
  BuiltinModule: { map: ReadonlyMap<string, BuiltinModule> };
}

/** The way to Node's internals that Node keeps for old packages. */
const { binding } = process as unknown as { binding?: object };

/**
 * Whether the inspector may be used in this thread, and what only Node's internals can change, found by a session of the thread with
 * itself (0.6 ms). Null if there is none, or this Node has them elsewhere.
 */
export function lookInside(): { inspection: Inspection; internals: NodeInternals | null } {
  if (isInspectorForbidden()) return { inspection: 'forbidden', internals: null };
  // A string is thrown if this thread has no inspector.
  let inspection: Inspection = 'absent';
  try {
    const internals = withOwnSession((session) => {
      inspection = 'possible';
      return typeof binding === 'function' ? internalsBehind(session, binding) : null;
    });
    return { inspection, internals };
  } catch {
    return { inspection, internals: null };
  }
}

function internalsBehind(session: OwnSession, of: object): NodeInternals | null {
  const { internalProperties } = session.post('Runtime.getProperties', {
    objectId: session.handleOf(of),
    ownProperties: true,
  });
  const scopes = (internalProperties as RemoteProperty[]).find(({ name }) => name === '[[Scopes]]')?.value?.objectId;
  if (!scopes) return null;
  // A list of scopes, whose objects have the variables as properties: having the inspector list these would take as long as all the rest.
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
