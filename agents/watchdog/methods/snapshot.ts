import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { WrittenSnapshot } from '../../../src/suspended/dump-parts.ts';
import type { DumpEstimate } from '../../shared-memory.ts';
import { ANSWER_MS } from './ask.ts';
import { INSPECTOR_FORBIDDEN, roomyFolder, timeoutMs, workAtDoor } from './dump.ts';
import type { DumpableThread, Method, Target } from './types.ts';

/**
 * Writes a heap snapshot of the main thread: `WrittenSnapshot`. The file is the client's to move; it goes when the client does.
 * The inspector stays connected until then: V8 gives all objects new ids when its last session ends, and nothing could be compared.
 */
export function createSnapshot(target: Target): Method {
  let files = 0;
  return async (_params, client): Promise<WrittenSnapshot | null> => {
    if (!target.mayInspect) throw new Error(INSPECTOR_FORBIDDEN);
    const [main] = target.threads();
    if (client.isGone() || !main) return null;
    client.onGone(() => main.capture.detach('leaks'));
    try {
      const estimate = await estimateOf(main);
      const heapBytes = estimate?.heapBytes ?? 0;
      // The name tells `evdiag` whose it is, should both be killed.
      const file = join(roomyFolder(target.folders, heapBytes), `${target.header.pid}-0-9${++files}.heapsnapshot`);
      client.onGone(() => remove(file));
      const answer = await workAtDoor(
        main,
        `beginSnapshot(${JSON.stringify(file)})`,
        timeoutMs('full', heapBytes),
        client,
      );
      if (!('snapshot' in answer)) throw new Error('The thread answered something else.');
      return { file, takenAtMs: Date.now(), pauseMs: answer.snapshot.pauseMs };
    } finally {
      main.capture.detach('dump');
    }
  };
}

function estimateOf({ capture }: DumpableThread): Promise<DumpEstimate | null> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), ANSWER_MS);
    capture.evaluate('leaks', 'dumpEstimate()', (value) => {
      clearTimeout(timer);
      resolve(value as DumpEstimate | null);
    });
  });
}

function remove(file: string): void {
  try {
    unlinkSync(file);
  } catch {
    // The client has moved it.
  }
}
