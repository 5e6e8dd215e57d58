import type { Session } from 'node:inspector';

// Kept from before the application could replace them.
const { defineProperty, deleteProperty } = Reflect;
const { stringify } = JSON;
const NativeError = Error;
const globalObject = globalThis;
/** Absent before Node 20.16. */
const { getBuiltinModule } = process as { getBuiltinModule?: (name: string) => unknown };

/** Where functions that the inspector calls find this module. */
const HANDOVER = Symbol.for('evdiag.handover');

/** An inspector session of the thread with itself: every answer is there when `post` returns. */
export interface OwnSession {
  /** Throws if the method fails or does not answer at once. */
  post(method: string, params?: object): Record<string, unknown>;
  /** The events that a method sends while it works. */
  eventsOf(method: string, event: string): Record<string, unknown>[];
  /** The inspector's handle of a value. */
  handleOf(value: unknown): string;
  /** The value behind a handle. */
  valueOf(handle: string): unknown;
}

/** Opens a session while `use` runs. No domain is enabled, so nothing becomes slower. */
export function withOwnSession<T>(use: (session: OwnSession) => T): T {
  // Builds of Node without an inspector have no such module; files that import this one must load there.
  const inspector = (getBuiltinModule?.('node:inspector') ??
    require('node:inspector')) as typeof import('node:inspector');
  const session = new inspector.Session();
  session.connect();
  try {
    return use(wrap(session));
  } finally {
    session.disconnect();
  }
}

function wrap(session: Session): OwnSession {
  const post = (method: string, params: object = {}): Record<string, unknown> => {
    let answer: Record<string, unknown> | null = null;
    let failure: unknown = null;
    session.post(method, params, (error, result) => {
      failure = error;
      answer = (result ?? null) as Record<string, unknown> | null;
    });
    if (failure || !answer) throw new NativeError(`${method} gave no answer: ${stringify(failure)}`);
    return answer;
  };
  return {
    post,
    eventsOf(method, event) {
      const events: Record<string, unknown>[] = [];
      const listen = ({ params }: { params: object }): void => {
        events[events.length] = params as Record<string, unknown>;
      };
      session.on(event, listen);
      try {
        post(method);
      } finally {
        session.removeListener(event, listen);
      }
      return events;
    },
    handleOf(value) {
      const { result } = handOver(value, () =>
        post('Runtime.evaluate', { expression: `globalThis[Symbol.for('evdiag.handover')].value`, silent: true }),
      );
      return (result as { objectId: string }).objectId;
    },
    valueOf(handle) {
      const box: { value: unknown } = { value: undefined };
      handOver(box, () =>
        post('Runtime.callFunctionOn', {
          objectId: handle,
          functionDeclaration: `function () { globalThis[Symbol.for('evdiag.handover')].value.value = this; }`,
          silent: true,
        }),
      );
      return box.value;
    },
  };
}

function handOver<T>(value: unknown, use: () => T): T {
  defineProperty(globalObject, HANDOVER, { value: { value }, configurable: true });
  try {
    return use();
  } finally {
    deleteProperty(globalObject, HANDOVER);
  }
}
