import type { EventEmitter } from 'node:events';
import { readlinkSync } from 'node:fs';
import { BroadcastChannel, threadId, type Worker } from 'node:worker_threads';
import type { AttachOptions } from '../../src/protocol/attach-options.ts';
import { CHANNEL } from '../../src/protocol/channel.ts';
import { createSensor, guarded } from '../guard.ts';
import { clearInterval, load, NativeNumber, notify, process, setInterval, store, wallMs } from '../primordials.ts';
import { budgetOf, readSettings } from '../settings.ts';
import { createSharedBeats, readBeats, startBeats } from '../shared-beats.ts';
import { HEARTBEAT_MS, STOP_LEFT, WATCHDOG_FAILED, WATCHDOG_STARTING, Word } from '../shared-memory.ts';
import { leaveThread } from '../thread-gate.ts';
import type { Message } from '../watchdog/types.ts';
import { showCallersOfNatives } from './crash-excerpt.ts';
import { hideOwnFrames } from './hidden-frames.ts';
import { lookInside } from './node-internals.ts';
import { ObservedThread } from './observed-thread.ts';
import { markOwn } from './own-resources.ts';
import { findThreadGate } from './terminations.ts';
import { lookAtThread } from './thread-look.ts';
import { boundUnread } from './unread.ts';
import { liftVeil, listenUnseen } from './unseen-listeners.ts';
import { noteWorker } from './why/workers.ts';

/**
 * How often a new thread announces itself: messages without a receiver are lost, and the watchdog, which starts with
 * the process, may not be up yet. Later every sample announces it.
 */
const GREETING_MS = 50;
const MAX_GREETINGS = 20;

const startTimer = setInterval;
const stopTimer = clearInterval;

/**
 * Observes a worker thread of the application. Its rows go to the one watchdog of the process, over a channel: no
 * further thread is started, and without a listener the thread goes on as without the agent.
 */
export function startInWorker(attached: AttachOptions | null): void {
  const channel = new BroadcastChannel(CHANNEL);
  (channel as unknown as { unref(): void }).unref();
  const send = (message: Message): void => {
    try {
      channel.postMessage(message);
    } catch {
      // If thrown in a timer of ours, it would end the thread.
    }
  };
  const started = { startedAtMs: wallMs(), startMonotonicMs: NativeNumber(process.hrtime.bigint()) / 1e6 };

  const beats = createSharedBeats();
  const beating = markOwn(startBeats(beats, HEARTBEAT_MS));
  const bound = boundUnread();
  const nativeId = nativeThreadId();
  const gate = findThreadGate(nativeId);
  const { internals } = lookInside();
  // What is wrong with them the main thread has said.
  const { settings } = readSettings(process.env, (path) => path);
  const { shared, atExit } = new ObservedThread({
    histogram: readBeats(beats),
    diagnose: settings.level === 'diagnose',
    budgetShare: budgetOf(settings, settings.level),
    followsOrigins: settings.whyMs !== null,
    gate,
    internals,
    post(sample) {
      const state = load(shared.control, Word.WatchdogState);
      if (state === WATCHDOG_FAILED) return false;
      // The watchdog may not have been up yet.
      if (state === WATCHDOG_STARTING) hello();
      const bounded = state === WATCHDOG_STARTING ? sample : bound(sample, shared.control);
      if (bounded) send({ type: 'sample', threadId, sample: bounded });
      return true;
    },
    left() {
      stopTimer(beating);
      stopGreeting();
      tellStop(shared.control, STOP_LEFT);
      channel.close();
    },
    complain() {},
  });
  const hello = (): void => {
    // It ran before there was a gate: whoever terminates it tells the gate all the same.
    const gated = gate !== null || attached !== null;
    send({ type: 'thread', thread: { threadId, nativeId, shared, beats, gated, ...started } });
  };
  const stopGreeting = greet(shared.control, hello);
  followWorkers((id) => send({ type: 'thread-gone', threadId: id }));
  listenUnseen(process, 'exit', () => {
    atExit();
    // Those that this one has started end with it.
    if (gate) leaveThread(gate, threadId, lookAtThread);
    tellStop(shared.control, 1);
  });
  hideOwnFrames(internals);
  showCallersOfNatives(internals);
}

function tellStop(control: Int32Array, value: number): void {
  store(control, Word.Stop, value);
  notify(control, Word.Stop);
}

/** Says hello until it was heard; what is returned ends that. */
function greet(control: Int32Array, hello: () => void): () => void {
  hello();
  let greetings = 0;
  const again = guarded(createSensor('the greeting of a new thread'), () => {
    const heard = load(control, Word.WatchdogState) !== WATCHDOG_STARTING;
    if (heard || ++greetings > MAX_GREETINGS) stopTimer(greeting);
    else hello();
  });
  const greeting = startTimer(again, GREETING_MS).unref();
  return () => stopTimer(greeting);
}

/** Reports each worker of this thread that has ended, in whatever way; `ours` is not the application's. */
export function followWorkers(onGone: (threadId: number) => void, ours?: Worker): void {
  const sensor = createSensor('following worker threads');
  const onWorker = guarded(sensor, (worker: Worker) => {
    if (worker === ours) return;
    const id = worker.threadId;
    noteWorker(worker);
    const emitter = worker as unknown as EventEmitter;
    const gone = guarded(sensor, () => {
      liftVeil(emitter);
      onGone(id);
    });
    listenUnseen(emitter, 'exit', gone);
  });
  listenUnseen(process, 'worker', onWorker);
}

/** Linux: the kernel's number of this thread, for its CPU time; null elsewhere. */
function nativeThreadId(): number | null {
  try {
    return NativeNumber(readlinkSync('/proc/thread-self').split('/').at(-1));
  } catch {
    return null;
  }
}
