import type { AttachOptions } from '../../src/protocol/attach-options.ts';
import { STOP_LEFT, Word } from '../shared-memory.ts';
import { pause } from './ask.ts';
import type { Observation } from './observation.ts';
import type { ObservedThreads } from './observed-threads.ts';

/** A thread that is blocked goes on later: whoever waits is told. */
const PATIENCE_MS = 2000;
const POLL_MS = 5;
/** Whoever has loaded it has given up by then. */
const UNVISITED_MS = 20_000;
/** Between two looks whether it is time. */
const LOOK_MS = 250;

export interface DepartureOptions {
  attached: AttachOptions | null;
  threads: ObservedThreads;
  /** Whether nobody is connected to the socket, and whether somebody has been. */
  isAlone(): boolean;
  wasVisited(): boolean;
  now(): number;
  /** Asks the main thread's part of the agent, which hears it at the next turn of the loop. */
  askMain(): void;
}

/** How the agent goes while the process stays: when it is asked to, or when its time is over. */
export class Departure {
  readonly #options: DepartureOptions;
  #lookedAt = 0;
  #lonelySince: number | null = null;
  #visitedAt: number | null = null;
  #asked = false;

  constructor(options: DepartureOptions) {
    this.#options = options;
  }

  /** Whether the main thread's part is gone; to be asked with each tick. */
  hasLeft(): boolean {
    const { attached, threads, now } = this.#options;
    if (attached && !this.#asked && now() - this.#lookedAt >= LOOK_MS) {
      this.#lookedAt = now();
      if (this.#isOver(attached)) void this.leave().catch(() => {});
    }
    return Atomics.load(threads.main.control, Word.Stop) === STOP_LEFT;
  }

  /** Whether it goes as soon as the threads let it. */
  isAsked(): boolean {
    return this.#asked;
  }

  /** Resolves to the threads that are blocked and have not let it go yet: it goes when they return to their loop. */
  async leave(): Promise<number[]> {
    const { threads, askMain } = this.#options;
    this.#asked = true;
    const all = threads.alive();
    for (const thread of all) {
      if (thread.threadId === 0) continue;
      const { capture } = thread.dumpable;
      capture.call('leave', 'leave', [], () => capture.detach('leave'));
    }
    const workers = all.filter(({ threadId }) => threadId !== 0);
    const giveUpAt = performance.now() + PATIENCE_MS;
    // The main thread's session is the way to the others: it goes last.
    while (workers.some(isThere) && performance.now() < giveUpAt) await pause(POLL_MS);
    askMain();
    while (isThere(threads.main) && performance.now() < giveUpAt) await pause(POLL_MS);
    return all.filter(isThere).map(({ threadId }) => threadId);
  }

  #isOver({ aloneMs, forMs }: AttachOptions): boolean {
    const { isAlone, wasVisited, now } = this.#options;
    // Whoever has loaded it comes first; on a busy host that takes its time.
    if (wasVisited() || now() > UNVISITED_MS) this.#visitedAt ??= now();
    if (forMs !== null && this.#visitedAt !== null && now() - this.#visitedAt >= forMs) return true;
    if (!isAlone()) this.#lonelySince = null;
    else this.#lonelySince ??= now();
    return (
      aloneMs !== null && this.#visitedAt !== null && this.#lonelySince !== null && now() - this.#lonelySince >= aloneMs
    );
  }
}

function isThere({ control }: Observation): boolean {
  return Atomics.load(control, Word.Stop) === 0;
}
