/** Loads the agent into the worker threads that run already, through the session of the main thread (Node's domain NodeWorker). */
import { setTimeout as pause } from 'node:timers/promises';
import { isObject } from '../../util/shapes.ts';
import type { InspectorClient } from './inspector-client.ts';
import { ANOTHER_MOMENT, lateness, RETRY_MS } from './safe-moment.ts';

/** A worker inside a native call is not waited for: its agent comes when the call returns. */
const LOAD_MS = 2000;
/** More are not observed: see observed-threads.ts. */
const MAX_WORKERS = 64;

/** Resolves to how many have it. */
export async function loadInWorkers(client: InspectorClient, evaluationOf: (late: boolean) => object): Promise<number> {
  const waiting = new Set<string>();
  let found = 0;
  let loaded = 0;
  const isLate = lateness();
  const ask = (sessionId: string): void => {
    if (!waiting.has(sessionId)) return;
    const message = JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: evaluationOf(isLate()) });
    client.send('NodeWorker.sendMessageToWorker', { sessionId, message });
  };
  client.onEvent((method, params) => {
    const sessionId = String(params.sessionId);
    if (method === 'NodeWorker.attachedToWorker' && ++found <= MAX_WORKERS) {
      waiting.add(sessionId);
      ask(sessionId);
    } else if (method === 'NodeWorker.receivedMessageFromWorker' && waiting.has(sessionId)) {
      const outcome = outcomeOf(params.message);
      if (outcome === 'again') {
        setTimeout(ask, RETRY_MS, sessionId);
        return;
      }
      waiting.delete(sessionId);
      if (outcome === 'loaded') loaded++;
    } else if (method === 'NodeWorker.detachedFromWorker') waiting.delete(sessionId);
  });
  // Those that are there are reported before this is answered.
  await client.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  const giveUpAt = performance.now() + LOAD_MS;
  while (waiting.size > 0 && performance.now() < giveUpAt) await pause(2);
  waiting.clear();
  await client.post('NodeWorker.disable', {});
  return loaded;
}

function outcomeOf(message: unknown): 'loaded' | 'again' | 'failed' {
  const answer: unknown = JSON.parse(String(message));
  if (!isObject(answer) || !isObject(answer.result) || answer.result.exceptionDetails !== undefined) return 'failed';
  const { result } = answer.result;
  return isObject(result) && result.value === ANOTHER_MOMENT ? 'again' : 'loaded';
}
