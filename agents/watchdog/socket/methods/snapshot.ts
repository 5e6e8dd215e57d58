import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { WrittenSnapshot } from '../../../../src/protocol/written-snapshot.ts';
import { holdSessions } from '../../platform/held-sessions.ts';
import { askFor, CLIENT_GONE, requireInspector, whileConnected } from './client.ts';
import { leaveThreads, roomyFolder, snapshotPrefix, timeoutMs, workInThread } from './dump.ts';
import type { Method, Target } from './types.ts';

const NO_THREAD = 'There is no such thread any more.';

/**
 * Writes a heap snapshot of a thread, the main one if none is named: `WrittenSnapshot`. The client moves the file; it is removed when the client disconnects.
 * Inspector sessions stay connected until then, so that objects keep their ids from one snapshot to the next.
 */
export function createSnapshot(target: Target): Method<'snapshot'> {
  let files = 0;
  return async ({ threadId = 0 }, client): Promise<WrittenSnapshot> => {
    requireInspector(target);
    const thread = target.threads().find((each) => each.threadId === threadId);
    if (client.isGone()) throw new Error(CLIENT_GONE);
    if (!thread) throw new Error(NO_THREAD);
    client.onGone(holdSessions());
    return whileConnected(client, leaveThreads([thread]), async () => {
      const estimate = await askFor(client, thread, 'dumpEstimate', []);
      const heapBytes = estimate?.heapBytes ?? 0;
      // The name shows `evdiag` whose it is, in case both are killed.
      const file = join(
        roomyFolder(target.folders, heapBytes),
        `${snapshotPrefix(target.header)}heap${++files}.heapsnapshot`,
      );
      client.onGone(() => remove(file));
      const begin = (): Promise<unknown> => askFor(client, thread, 'beginSnapshot', [file]);
      const answer = await workInThread(thread, begin, timeoutMs('full', heapBytes), client);
      if (!('snapshot' in answer)) throw new Error('The thread answered something else.');
      return { file, takenAtMs: Date.now(), pauseMs: answer.snapshot.pauseMs, threadId: thread.threadId };
    });
  };
}

function remove(file: string): void {
  try {
    unlinkSync(file);
  } catch {
    // The client has moved it.
  }
}
