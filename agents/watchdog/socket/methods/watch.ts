import type { LivePart } from '../../../../src/protocol/live.ts';
import type { Row } from '../../../../src/recording/types.ts';
import { type Client, type Method, RequestError, type Target } from './types.ts';

/** Rows within this time are sent together; a stall must be visible within 100 ms. */
const GATHER_MS = 20;
/** In one message: rows of what is unfinished have up to 40 kB. */
const CHUNK = 100;
/** The most that waits for a viewer that does not read: two minutes of a process with ten threads. Then it is disconnected. */
const MAX_WAITING_ROWS = 10_000;

/** Sends the rows kept so far, then each new one, until the client disconnects: `LivePart`. */
export function watch(target: Target): Method<'watch'> {
  return (_params, client) => {
    let reportFailure = (_error: Error): void => {};
    const failed = new Promise<never>((_resolve, reject) => {
      reportFailure = reject;
    });
    const viewer = createViewer(target, client, reportFailure);
    client.onGone(viewer.stop);
    return failed.finally(viewer.stop);
  };
}

function createViewer(target: Target, client: Client<LivePart>, onFailure: (error: Error) => void) {
  const known = new Set<number>();
  let waiting: { threadId: number; row: Row }[] = [];
  let sending = false;
  let stopped = false;
  let timer: NodeJS.Timeout | null = null;

  const send = async (): Promise<void> => {
    timer = null;
    if (sending) return;
    sending = true;
    try {
      await sendThreads();
      while (waiting.length > 0 && !stopped) {
        const rows = waiting.splice(0, CHUNK);
        for (const part of byThread(rows)) await client.part(part);
      }
    } catch (error) {
      onFailure(error as Error);
    } finally {
      sending = false;
    }
  };
  const sendThreads = async (): Promise<void> => {
    for (const { header, folder, rows } of target.observed()) {
      const { threadId } = header;
      if (known.has(threadId)) continue;
      known.add(threadId);
      // Its waiting rows are among those that are kept.
      waiting = waiting.filter((one) => one.threadId !== threadId);
      const kept = rows();
      await client.part({ part: 'thread', header, folder: folder() });
      for (let i = 0; i < kept.length; i += CHUNK) {
        await client.part({ part: 'rows', threadId, rows: kept.slice(i, i + CHUNK) });
      }
    }
  };
  const leave = target.onRow((threadId, row) => {
    waiting.push({ threadId, row });
    if (waiting.length > MAX_WAITING_ROWS) {
      stop();
      onFailure(new RequestError(`The viewer was too slow: ${MAX_WAITING_ROWS} rows waited for it.`, 'too-slow'));
      return;
    }
    timer ??= setTimeout(() => void send(), GATHER_MS);
  });
  const stop = (): void => {
    stopped = true;
    leave();
    waiting = [];
    if (timer) clearTimeout(timer);
  };
  void send();
  return { stop };
}

function byThread(rows: readonly { threadId: number; row: Row }[]): LivePart[] {
  const parts = new Map<number, Row[]>();
  for (const { threadId, row } of rows) {
    const of = parts.get(threadId) ?? [];
    parts.set(threadId, of);
    of.push(row);
  }
  return [...parts].map(([threadId, of]) => ({ part: 'rows', threadId, rows: of }));
}
