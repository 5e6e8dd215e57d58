import { parentPort, workerData } from 'node:worker_threads';
import { type InterruptedStack, LIBRARY_KEY } from '../../src/protocol/thread-api.ts';
import type { Inspection } from '../inspection.ts';
import { monotonicMs } from '../primordials.ts';
import type { RawFrame } from '../shared-memory.ts';
import { ThreadCapture } from '../watchdog/platform/stack-capture.ts';
import { openThreadCpu } from '../watchdog/platform/thread-cpu.ts';
import { ownLateMs } from '../watchdog/stall/own-lateness.ts';

/** How often the heartbeat is checked. */
const TICK_MS = 5;
/** The first stack is taken at this share of the limit, so that one is there when it is crossed. */
const FIRST_STACK_SHARE = 0.6;

export interface StallWatchData {
  /** The delay histogram of the watched thread: its count is the heartbeat. */
  beats: { count: number };
  stallMs: number;
  threadId: number;
  inspection: Inspection;
}

/** One stall of the loop; `scope` is 0 if none was running, or no stack could be taken. */
export interface RawStall {
  /** Wall clock, milliseconds since 1970: threads count from different starts. */
  startMs: number;
  durationMs: number;
  scope: number;
  frames: RawFrame[];
}

export type StallMessage = RawStall | 'answer';

interface Seen {
  scope: number;
  frames: RawFrame[];
}

const { beats, stallMs, threadId, inspection } = workerData as StallWatchData;
const port = parentPort!;
const capture = new ThreadCapture({
  threadId,
  inspection,
  interrupts: null,
  onError() {},
  api: `globalThis[Symbol.for(${JSON.stringify(LIBRARY_KEY)})]`,
});
/** The system's number of a worker thread is not known here. */
const threadCpu = openThreadCpu(threadId === 0 ? process.pid : null);
const waitedMs = (): number => threadCpu()?.runQueueMs ?? 0;
let count = beats.count;
let waitedBefore = waitedMs();
let lastBeatAt = monotonicMs();
let lastTick = lastBeatAt;
let lateMs = 0;
let nextStackMs = stallMs * FIRST_STACK_SHARE;
let seen: Seen | null = null;
let asked: number[] = [];

function onStack({ scope = 0, frames }: InterruptedStack): void {
  // An empty stack is the loop itself: it has gone on since.
  if (frames.length > 0) seen = { scope, frames };
}

/**
 * The watchdog's StallWatch for a thread without the agent: there is no shared memory to read marks, collections and counters from, so
 * what is left of it is the heartbeat, the stack and the wait for a core.
 */
function tick(): void {
  const now = monotonicMs();
  lateMs += ownLateMs(now - lastTick, TICK_MS);
  lastTick = now;
  if (beats.count === count) {
    const gapMs = now - lastBeatAt - lateMs;
    if (gapMs < nextStackMs) return;
    nextStackMs = gapMs * 2;
    capture.ask('stall', {}, onStack);
    return;
  }
  // An answer that comes with the end of a native call is in the queue of messages: check again after it.
  // Nor is it a stall if the thread had no core.
  const waited = waitedMs();
  const durationMs = now - lastBeatAt - Math.max(lateMs, waited - waitedBefore);
  waitedBefore = waited;
  count = beats.count;
  lastBeatAt = now;
  lateMs = 0;
  nextStackMs = stallMs * FIRST_STACK_SHARE;
  setImmediate(beat, durationMs);
}

function beat(durationMs: number): void {
  if (durationMs >= stallMs) {
    const startMs = performance.timeOrigin + monotonicMs() - durationMs;
    port.postMessage({ startMs, durationMs, scope: seen?.scope ?? 0, frames: seen?.frames ?? [] } satisfies RawStall);
  }
  seen = null;
  asked = asked.map((beatsLeft) => beatsLeft - 1);
  while (asked.length > 0 && asked[0]! <= 0) {
    asked.shift();
    port.postMessage('answer' satisfies StallMessage);
  }
}

port.on('message', () => asked.push(2));
setInterval(tick, TICK_MS);
