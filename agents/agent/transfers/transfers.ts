import { attempt, createSensor, isOff } from '../../guard.ts';
import { monotonicMs } from '../../primordials.ts';
import type { RawTransfers } from '../../tracked.ts';
import type { NodeInternals } from '../node-internals.ts';
import { Files } from './files.ts';
import { Messages } from './messages.ts';
import { Streams } from './streams.ts';

/** What the thread reads, writes and sends, by place. */
export class Transfers {
  readonly #sensor = createSensor('reading what is written and sent');
  readonly #files: Files;
  readonly #streams = new Streams();
  readonly #messages: Messages;
  #lastMs = monotonicMs();
  #isTold = false;

  /** Put in before the marks of synchronous calls, which go around it. */
  constructor(internals: NodeInternals | null) {
    this.#files = new Files(internals);
    this.#messages = new Messages(internals);
  }

  /** What the thread may spend, as a share of its time; 0: nothing is followed. */
  follow(share: number): void {
    attempt(this.#sensor, () => {
      this.#files.follow(share);
      this.#streams.follow(share);
      this.#messages.follow(share);
    });
  }

  /** What it cost since the last call, in ms. */
  spent(): number {
    return this.#files.spent() + this.#streams.spent() + this.#messages.spent();
  }

  /** Since the last call; nothing to tell is told once. */
  read(): { transfers?: RawTransfers } {
    try {
      if (isOff(this.#sensor)) return {};
      const now = monotonicMs();
      const intervalMs = now - this.#lastMs;
      this.#lastMs = now;
      const { files, flushes } = this.#files.read(intervalMs);
      const streams = this.#streams.read(intervalMs);
      const messages = this.#messages.read(intervalMs);
      const isEmpty = files.length + streams.length + messages.length === 0;
      if (isEmpty && this.#isTold) return {};
      this.#isTold = true;
      return { transfers: { intervalMs, files, flushes, streams, messages } };
    } catch (error) {
      this.#sensor.caught = { error };
      return {};
    }
  }
}
