import { Session } from 'node:inspector';
import { AGENT_KEY, type InterruptedStack } from '../shared-memory.ts';

const EXPRESSION = `globalThis[Symbol.for(${JSON.stringify(AGENT_KEY)})].stack()`;

/**
 * Asks the main thread for its stack, mid-stall.
 *
 * An inspector session with no domain enabled, connected from this thread, interrupts JavaScript, regular
 * expressions, Atomics.wait and JSON.stringify within milliseconds, optimised code included. (With the Debugger
 * domain enabled the program would run 7–10 times slower for as long as it is.) A native call answers when it returns.
 */
export interface StackCapture {
  /** Connects if needed and asks; the answer comes later, on this thread's loop. At most one question is open. */
  ask(answer: (stack: InterruptedStack) => void): void;
  /** Disconnects; an open question is forgotten. */
  detach(): void;
}

export function createStackCapture(onError: (error: unknown) => void): StackCapture {
  let session: Session | null = null;
  let asked = false;
  return {
    ask(answer) {
      if (asked) return;
      try {
        if (!session) {
          session = new Session();
          session.connectToMainThread();
        }
        const current = session;
        asked = true;
        current.post(
          'Runtime.evaluate',
          { expression: EXPRESSION, returnByValue: true, silent: true },
          (error, reply) => {
            if (session !== current) return;
            asked = false;
            const text: unknown = reply?.result?.value;
            if (!error && typeof text === 'string') answer(JSON.parse(text) as InterruptedStack);
          },
        );
      } catch (error) {
        session = null;
        asked = false;
        onError(error);
      }
    },
    detach() {
      const current = session;
      session = null;
      asked = false;
      current?.disconnect();
    },
  };
}
