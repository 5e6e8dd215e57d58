import type { AsyncTracePart, AsyncTraceRequest, CapturedThread } from '../protocol/async-trace.ts';
import type { Frame } from '../recording/types.ts';
import type { Connection } from './connect.ts';
import { TargetError } from './target-error.ts';

/** Between two messages, behind the end of the time: places are looked up in source maps. */
const PATIENCE_MS = 60_000;

export interface AsyncTrace {
  /** The main thread first. */
  threads: CapturedThread[];
  /** Of threads that nothing came of: why. */
  problems: { threadId: number; problem: string }[];
}

/** Follows the operations of all threads for some time. Rejects with TargetError, also where nothing came of any thread. */
export async function takeAsyncTrace(connection: Connection, request: AsyncTraceRequest): Promise<AsyncTrace> {
  const gathered = new Map<number, { pieces: Buffer[]; sites: Frame[][] }>();
  const threads: CapturedThread[] = [];
  const problems: AsyncTrace['problems'] = [];
  const onPart = (value: unknown): void => {
    const part = value as AsyncTracePart;
    const { threadId } = part;
    const thread = gathered.get(threadId) ?? { pieces: [], sites: [] };
    gathered.set(threadId, thread);
    if (part.part === 'events') thread.pieces.push(Buffer.from(part.data, 'base64'));
    else if (part.part === 'sites') thread.sites.push(...part.sites);
    else if (part.part === 'failed') problems.push({ threadId, problem: part.problem });
    else {
      const { part: _, ...about } = part;
      threads.push({ ...about, events: wordsOf(thread.pieces), sites: thread.sites });
    }
  };
  await connection.request('async-trace', request, { onPart, timeoutMs: request.durationMs + PATIENCE_MS });
  if (threads.length === 0) {
    const why = problems[0]?.problem ?? 'it has no thread';
    throw new TargetError(`No trace of process ${connection.hello.pid}: ${why}.`);
  }
  return { threads: threads.sort((a, b) => a.threadId - b.threadId), problems };
}

/** Memory of its own: a piece may lie at any byte. */
function wordsOf(pieces: readonly Buffer[]): Int32Array {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return new Int32Array(bytes.buffer);
}
