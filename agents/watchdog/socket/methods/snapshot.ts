import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { WrittenSnapshot } from '../../../../src/protocol/dump-parts.ts';
import type { DumpEstimate } from '../../../shared-memory.ts';
import { holdSessions } from '../../platform/stack-capture.ts';
import { askThread, requireInspector, whileConnected } from './ask.ts';
import { leaveDoors, roomyFolder, snapshotPrefix, timeoutMs, workAtDoor } from './dump.ts';
import type { Method, Target } from './types.ts';

/**
 * Writes a heap snapshot of the main thread: `WrittenSnapshot`. The file is the client's to move; it goes when the client does.
 * Inspector sessions stay connected until then, so that objects keep their ids from one snapshot to the next.
 */
export function createSnapshot(target: Target): Method {
  let files = 0;
  return (_params, client): Promise<WrittenSnapshot> | null => {
    requireInspector(target);
    const [main] = target.threads();
    if (client.isGone() || !main) return null;
    client.onGone(holdSessions());
    return whileConnected(client, leaveDoors([main]), async () => {
      const estimate = (await askThread(main, client, 'dumpEstimate()')) as DumpEstimate | null | undefined;
      const heapBytes = estimate?.heapBytes ?? 0;
      // The name tells `evdiag` whose it is, should both be killed.
      const file = join(
        roomyFolder(target.folders, heapBytes),
        `${snapshotPrefix(target.header)}heap${++files}.heapsnapshot`,
      );
      client.onGone(() => remove(file));
      const answer = await workAtDoor(
        main,
        `beginSnapshot(${JSON.stringify(file)})`,
        timeoutMs('full', heapBytes),
        client,
      );
      if (!('snapshot' in answer)) throw new Error('The thread answered something else.');
      return { file, takenAtMs: Date.now(), pauseMs: answer.snapshot.pauseMs };
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
