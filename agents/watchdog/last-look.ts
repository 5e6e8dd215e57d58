import { within } from './ask.ts';
import type { StackCapture } from './platform/stack-capture.ts';

/** The end waits no longer for it: a thread that is in its loop answers within some ms. */
const LAST_LOOK_MS = 500;

/** What a thread has not finished when it is told to end. */
export class LastLook {
  readonly #capture: Pick<StackCapture, 'call' | 'detach'>;
  #waiting: (() => void)[] = [];

  constructor(capture: Pick<StackCapture, 'call' | 'detach'>) {
    this.#capture = capture;
  }

  /** `heap`: looks for suspended calls in the heap as well. Resolves when the thread has answered, or could not within a short time. */
  async take(heap = false): Promise<void> {
    await within<void>(LAST_LOOK_MS, (done) => {
      this.#waiting.push(done);
      this.#capture.call('last-look', 'lookBack', [heap], (answer) => {
        // There is no inspector, or the thread could not be asked.
        if (answer === null) this.onTaken();
      });
    });
    this.#capture.detach('last-look');
  }

  /** The answer is in the recording. */
  onTaken(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const done of waiting) done();
  }
}
