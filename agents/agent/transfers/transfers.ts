import { attempt, createSensor, isOff } from '../../guard.ts';
import { monotonicMs } from '../../primordials.ts';
import type { RawTransfers } from '../../tracked.ts';
import type { NodeInternals } from '../node-internals.ts';
import { FileCalls } from './file-calls.ts';

/** Loaded with the first reading, when the program has started. */
const loadFollowers = () => require('./followers.ts') as typeof import('./followers.ts');

/** What the thread reads, writes and sends, by place. */
export class Transfers {
  readonly #sensor = createSensor('reading what is written and sent');
  readonly #internals: NodeInternals | null;
  readonly #calls: FileCalls;
  #followers: import('./followers.ts').Followers | null = null;
  #lastMs = monotonicMs();
  #isTold = false;

  /** Put in before the marks of synchronous calls, which go around it. */
  constructor(internals: NodeInternals | null) {
    this.#internals = internals;
    this.#calls = new FileCalls(internals);
  }

  /** At each reading: what the thread may spend, as a share of its time; 0: nothing is followed. */
  follow(share: number): void {
    attempt(this.#sensor, () => {
      if (isOff(this.#sensor) || (share === 0 && !this.#followers)) return;
      this.#followers ??= new (loadFollowers().Followers)(this.#internals, this.#calls);
      this.#followers.follow(share);
    });
  }

  /** What it cost since the last call, in ms. */
  spent(): number {
    return this.#followers?.spent() ?? 0;
  }

  /** Since the last call; nothing to tell is told once. */
  read(): { transfers?: RawTransfers } {
    try {
      if (isOff(this.#sensor) || !this.#followers) return {};
      const now = monotonicMs();
      const intervalMs = now - this.#lastMs;
      this.#lastMs = now;
      const transfers = this.#followers.read(intervalMs);
      const isEmpty = transfers.files.length + transfers.streams.length + transfers.messages.length === 0;
      if (isEmpty && this.#isTold) return {};
      this.#isTold = true;
      return { transfers };
    } catch (error) {
      this.#sensor.caught = { error };
      return {};
    }
  }
}
