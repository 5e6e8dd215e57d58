import {
  type AsyncTracePart,
  type AsyncTraceRequest,
  EVENT_WORDS,
  MAX_CAPTURE_MS,
} from '../../../../src/protocol/async-trace.ts';
import type { Unchecked } from '../../../../src/protocol/methods.ts';
import type { TraceNames, TraceRequest } from '../../../../src/protocol/thread-api.ts';
import { RING_EVENTS, type TraceMemory, TraceWord } from '../../../shared-trace.ts';
import { askThread, pause, THREAD_ENDED } from '../../ask.ts';
import { requireInspector, whileConnected } from './client.ts';
import { mapsFor } from './dump.ts';
import type { DumpableThread, Method, MethodTable, Target } from './types.ts';

/** A thread that has not come back to its loop for this long is blocked: nothing can be followed in it. */
const BEGIN_MS = 2000;
/** A thread inside a native call answers when that returns. */
const END_MS = 10_000;
const READ_MS = 20;
/** In one message: events of 20 bytes, sites of up to 3 kB. */
const CHUNK = { events: 8192, sites: 100 } as const;

type Send = (part: AsyncTracePart) => Promise<void>;

/**
 * `async-trace` follows each asynchronous operation of all threads for some time, or until the client disconnects or
 * calls `end-async-trace`: `AsyncTracePart`.
 */
export function asyncTrace(target: Target): Pick<MethodTable, 'async-trace' | 'end-async-trace'> {
  let busy = false;
  let captures = 0;
  /** Null if none runs; one that has not quite begun ends as soon as it has. */
  let end: (() => void) | null = null;
  const trace: Method<'async-trace'> = (params, client) => {
    const { durationMs } = checked(params);
    requireInspector(target);
    if (busy) throw new Error('This process is already being traced: wait until that is done.');
    busy = true;
    let ended = false;
    end = () => {
      ended = true;
    };
    const send: Send = (part) => client.part(part);
    const request = { id: ++captures, durationMs };
    const threads = target.threads();
    const leave = (): void => {
      ended = true;
      for (const thread of threads) leaveThread(thread);
      busy = false;
      end = null;
    };
    const follow = async (thread: DumpableThread): Promise<void> => {
      const memory = await begin(thread, request);
      if (memory) await run(thread, memory, durationMs, () => ended, send);
      else if (thread.threadId === 0) throw new Error(blockedText(target.header.pid));
      else await send({ part: 'failed', threadId: thread.threadId, problem: whyNoAnswer(thread, 'it is blocked') });
    };
    return whileConnected(client, leave, async () => {
      await Promise.all(threads.map(follow));
      return {};
    });
  };
  return {
    'async-trace': trace,
    'end-async-trace': () => {
      end?.();
      return {};
    },
  };
}

function checked(params: Unchecked<AsyncTraceRequest>): AsyncTraceRequest {
  const { durationMs } = params;
  if (!(typeof durationMs === 'number' && durationMs >= 1 && durationMs <= MAX_CAPTURE_MS)) {
    throw new Error(`A trace takes between 1 ms and ${MAX_CAPTURE_MS / 1000} s.`);
  }
  return { durationMs };
}

const whyNoAnswer = ({ capture }: DumpableThread, otherwise: string): string =>
  capture.hasEnded() ? THREAD_ENDED : otherwise;

const blockedText = (pid: number): string =>
  `The main thread of process ${pid} did not return to its event loop within ${BEGIN_MS / 1000} s, so nothing can be traced: "evdiag dump ${pid}" shows where it is.`;

/** Null if the thread is blocked; then it will not begin later either. */
async function begin(thread: DumpableThread, request: TraceRequest): Promise<TraceMemory | null> {
  thread.capture.call('trace', 'beginTrace', [request]);
  const giveUpAt = performance.now() + BEGIN_MS;
  while (performance.now() < giveUpAt && !thread.capture.hasEnded()) {
    const { memory } = thread.tracing;
    if (memory?.id === request.id) return memory;
    await pause(READ_MS / 4);
  }
  return null;
}

async function run(
  thread: DumpableThread,
  memory: TraceMemory,
  durationMs: number,
  isEnded: () => boolean,
  send: Send,
): Promise<void> {
  const { threadId } = thread;
  const read = createReader(threadId, memory, send);
  const endAt = performance.now() + durationMs;
  const isFull = (): boolean => Atomics.load(memory.control, TraceWord.FullMs) > 0;
  const isOver = (): boolean => isEnded() || isFull() || thread.capture.hasEnded();
  while (!isOver() && performance.now() < endAt) {
    await pause(READ_MS);
    await read();
  }
  const names = await askThread(thread.capture, 'trace', 'endTrace', [], END_MS);
  if (!names || 'problem' in names) {
    const problem = names?.problem ?? whyNoAnswer(thread, 'it did not answer at the end');
    await send({ part: 'failed', threadId, problem });
    return;
  }
  await read();
  await sendNames(thread, memory, names, send);
}

/** Sends what was written since the last call. */
function createReader(threadId: number, { control, events }: TraceMemory, send: Send): () => Promise<void> {
  let tail = 0;
  return async () => {
    const head = Atomics.load(control, TraceWord.Head);
    while (tail < head) {
      const at = tail % RING_EVENTS;
      const count = Math.min(head - tail, CHUNK.events, RING_EVENTS - at);
      const words = events.slice(at * EVENT_WORDS, (at + count) * EVENT_WORDS);
      tail += count;
      Atomics.store(control, TraceWord.Tail, tail);
      const data = Buffer.from(words.buffer, words.byteOffset, words.byteLength).toString('base64');
      await send({ part: 'events', threadId, data });
    }
  };
}

async function sendNames(
  thread: DumpableThread,
  { control, startMonotonicMs }: TraceMemory,
  { types, sites, spanMs }: TraceNames,
  send: Send,
): Promise<void> {
  const { threadId, toFrame } = thread;
  await mapsFor(thread, sites.flat());
  for (let at = 0; at < sites.length; at += CHUNK.sites) {
    const some = sites.slice(at, at + CHUNK.sites).map((frames) => frames.map(toFrame));
    await send({ part: 'sites', threadId, sites: some });
  }
  const fullMs = Atomics.load(control, TraceWord.FullMs) || null;
  const dropped = Atomics.load(control, TraceWord.Dropped);
  await send({ part: 'traced', threadId, startMonotonicMs, spanMs, types, dropped, fullMs });
}

/** In any case the hooks are removed, at the thread's next turn. */
function leaveThread({ capture, tracing }: DumpableThread): void {
  tracing.memory = null;
  capture.call('trace', 'endTrace', []);
  capture.detach('trace');
}
