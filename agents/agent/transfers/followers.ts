import type { RawTransfers } from '../../tracked.ts';
import type { NodeInternals } from '../node-internals.ts';
import type { FileCalls } from './file-calls.ts';
import { Files } from './files.ts';
import { Messages } from './messages.ts';
import { Streams } from './streams.ts';

/** What follows files, streams and messages. */
export class Followers {
  readonly #calls: FileCalls;
  readonly #files: Files;
  readonly #streams = new Streams();
  readonly #messages: Messages;

  constructor(internals: NodeInternals | null, calls: FileCalls) {
    this.#calls = calls;
    this.#files = new Files(calls.calls);
    this.#messages = new Messages(internals);
  }

  follow(share: number): void {
    this.#calls.counter = share > 0 ? this.#files : null;
    this.#files.setBudget(share);
    this.#streams.follow(share);
    this.#messages.follow(share);
  }

  spent(): number {
    return this.#files.spent() + this.#streams.spent() + this.#messages.spent();
  }

  read(intervalMs: number): RawTransfers {
    const streams = this.#streams.read(intervalMs);
    return { intervalMs, ...this.#files.read(intervalMs), streams, messages: this.#messages.read(intervalMs) };
  }
}
