import { createInterface } from 'node:readline';

/** Before, the speed is chance. */
const MIN_PAST_MS = 500;

/** One line on stderr that is written over; nothing where that is no terminal. */
export function progressLine(): { show(words: string): void; clear(): void } {
  if (!process.stderr.isTTY || process.env.TERM === 'dumb') return { show: () => {}, clear: () => {} };
  return {
    show: (words) => void process.stderr.write(`\r\x1b[K${words} …`),
    clear: () => void process.stderr.write('\r\x1b[K'),
  };
}

/** Estimates how long a step still takes, by how far it has come. */
export class TimeLeft {
  #step = '';
  #startMs = 0;

  /** ", 4 s left"; '' where it is too early to say. */
  text(step: string, share: number, nowMs: number): string {
    if (step !== this.#step) {
      this.#step = step;
      this.#startMs = nowMs;
    }
    const pastMs = nowMs - this.#startMs;
    if (pastMs < MIN_PAST_MS || share <= 0) return '';
    return `, ${Math.ceil((pastMs * (1 - share)) / share / 1000)} s left`;
  }
}

/** Counts down on a terminal; returns what ends that. */
export function countDown(words: string, durationMs: number): () => void {
  const { show, clear } = progressLine();
  const endAt = performance.now() + durationMs;
  const update = (): void => {
    const leftS = Math.ceil((endAt - performance.now()) / 1000);
    show(leftS > 0 ? `${words}: ${leftS} s left` : words);
  };
  update();
  const timer = setInterval(update, 250);
  return () => {
    clearInterval(timer);
    clear();
  };
}

/** One line from the terminal; '' where it ends without one. */
export function question(text: string): Promise<string> {
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  return new Promise((resolve) => {
    reader.once('close', () => resolve(''));
    reader.question(text, (answer) => {
      resolve(answer.trim());
      reader.close();
    });
  });
}
