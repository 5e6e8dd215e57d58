/** Loads the agent into the worker threads that run already, through the session of the main thread (Node's domain NodeWorker). */
import { setTimeout as pause } from 'node:timers/promises';
import { isObject } from '../../util/shapes.ts';
import type { InspectorClient } from './inspector-client.ts';

/** A worker inside a native call is not waited for: its agent comes when the call returns. */
const LOAD_MS = 2000;
/** More are not observed: see observed-threads.ts. */
const MAX_WORKERS = 64;

/** Resolves to how many have it. */
export async function loadInWorkers(client: InspectorClient, evaluation: object): Promise<number> {
  const waiting = new Set<string>();
  let found = 0;
  let loaded = 0;
  const message = JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: evaluation });
  client.onEvent((method, params) => {
    const sessionId = String(params.sessionId);
    if (method === 'NodeWorker.attachedToWorker' && ++found <= MAX_WORKERS) {
      waiting.add(sessionId);
      client.send('NodeWorker.sendMessageToWorker', { sessionId, message });
    } else if (method === 'NodeWorker.receivedMessageFromWorker' && waiting.delete(sessionId)) {
      if (isLoaded(params.message)) loaded++;
    } else if (method === 'NodeWorker.detachedFromWorker') waiting.delete(sessionId);
  });
  // Those that are there are reported before this is answered.
  await client.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  const giveUpAt = performance.now() + LOAD_MS;
  while (waiting.size > 0 && performance.now() < giveUpAt) await pause(2);
  await client.post('NodeWorker.disable', {});
  return loaded;
}

function isLoaded(message: unknown): boolean {
  const answer: unknown = JSON.parse(String(message));
  return isObject(answer) && isObject(answer.result) && answer.result.exceptionDetails === undefined;
}
