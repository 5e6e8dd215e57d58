import type { AsyncTracePart, AsyncTraceRequest, CapturedThread } from '../protocol/async-trace.ts';
import type { Frame } from '../recording/types.ts';
import type { Connection } from './connect.ts';
import { type Gathered, gatherThreads, type PartReader } from './gather-threads.ts';

/** Between two messages, after the end of the time: places are looked up in source maps. */
const PATIENCE_MS = 60_000;

export type AsyncTrace = Gathered<CapturedThread>;

/** Follows the operations of all threads for some time. Rejects with TargetError, also if no thread has a result. */
export function takeAsyncTrace(connection: Connection, request: AsyncTraceRequest): Promise<AsyncTrace> {
  return gatherThreads(connection, {
    method: 'async-trace',
    params: request,
    timeoutMs: request.durationMs + PATIENCE_MS,
    what: 'trace',
    readerFor: readCapture,
  });
}

function readCapture(): PartReader<AsyncTracePart, CapturedThread> {
  const pieces: Buffer[] = [];
  const sites: Frame[][] = [];
  return (part) => {
    if (part.part === 'events') pieces.push(Buffer.from(part.data, 'base64'));
    else if (part.part === 'sites') sites.push(...part.sites);
    else if (part.part === 'failed') return { problem: part.problem };
    else {
      const { part: _, ...about } = part;
      return { ...about, events: wordsOf(pieces), sites };
    }
    return null;
  };
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
