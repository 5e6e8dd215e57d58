import type { Interrupts } from './interrupts.ts';
import type { StackCapture } from './platform/stack-capture.ts';

/** Far more than a thread takes to end once it has been told; on a busy machine it may only be waiting for a core: then telling it again does nothing. */
const OVERDUE_MS = 250;

interface OverdueEndOptions {
  interrupts: Pick<Interrupts, 'isTerminated'>;
  capture: Pick<StackCapture, 'post' | 'detach'>;
}

/**
 * Tells a thread again that it is to end.
 *
 * Node tells it once. If that ends an async hook that Node calls from C++ (22–26), the program's own or one of ours that has just
 * begun, the thread goes on forever. The inspector then ends the running code, without evaluating anything, and Node sees that the thread was to end.
 */
export class OverdueEnd {
  readonly #options: OverdueEndOptions;
  #tellAt = Number.POSITIVE_INFINITY;

  constructor(options: OverdueEndOptions) {
    this.#options = options;
  }

  tick(now: number): void {
    const { interrupts, capture } = this.#options;
    if (!interrupts.isTerminated()) return;
    if (this.#tellAt === Number.POSITIVE_INFINITY) this.#tellAt = now + OVERDUE_MS;
    if (now < this.#tellAt) return;
    this.#tellAt = now + OVERDUE_MS;
    capture.post('end', 'Runtime.terminateExecution', {}, () => capture.detach('end'));
  }
}
