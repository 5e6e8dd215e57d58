import type { TextPart } from '../../../../src/protocol/profile-parts.ts';
import type { ArgsOf, ThreadCall } from '../../../../src/protocol/thread-api.ts';
import { WITHOUT_INSPECTOR } from '../../../inspection.ts';
import { ANSWER_MS, askThread, within } from '../../ask.ts';
import type { Client, DumpableThread, Target } from './types.ts';

/** Characters in one message. */
const CHUNK = 1 << 18;
export const CLIENT_GONE = 'The client has gone.';

/** `askThread` for a client; rejects if the client has disconnected. */
export async function askFor<Name extends ThreadCall>(
  client: Client<never>,
  { capture }: DumpableThread,
  name: Name,
  args: ArgsOf<Name>,
  ms = ANSWER_MS,
) {
  if (client.isGone()) throw new Error(CLIENT_GONE);
  return askThread(capture, 'dump', name, args, ms);
}

/**
 * Work in the threads that ends with its client: `leave` is called once, at its end or as soon as the client has disconnected,
 * whatever the threads have not answered by then, and the next one may begin.
 */
export function whileConnected<T>(client: Client<never>, leave: () => void, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let left = false;
    const end = (): void => {
      if (!left) leave();
      left = true;
    };
    client.onGone(() => {
      end();
      reject(new Error(CLIENT_GONE));
    });
    if (!left) work().finally(end).then(resolve, reject);
  });
}

/** Resolves after that time, when `stop` is called, or when the client disconnects. */
export async function waitFor(
  ms: number,
  client: Client<never>,
  begun = (_stop: () => void): void => {},
): Promise<void> {
  await within<void>(ms, (stop) => {
    begun(stop);
    client.onGone(stop);
  });
}

/** Sends the profile of one thread, which is longer than a message. */
export async function sendText(client: Client<TextPart>, threadId: number, text: string): Promise<void> {
  for (let at = 0; at < text.length; at += CHUNK) {
    await client.part({ part: 'profile', threadId, text: text.slice(at, at + CHUNK) });
  }
}

/** Throws a sentence if the threads cannot be asked. */
export function requireInspector({ inspection }: Target): void {
  if (inspection !== 'possible') throw new Error(WITHOUT_INSPECTOR[inspection]);
}
