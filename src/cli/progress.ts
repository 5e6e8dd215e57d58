import { createInterface } from 'node:readline';

/** One line on stderr that is written over; nothing where that is no terminal. */
export function progressLine(): { show(words: string): void; clear(): void } {
  if (!process.stderr.isTTY || process.env.TERM === 'dumb') return { show: () => {}, clear: () => {} };
  return {
    show: (words) => void process.stderr.write(`\r\x1b[K${words} …`),
    clear: () => void process.stderr.write('\r\x1b[K'),
  };
}

/** Counts down on a terminal; returns what ends that. */
export function countDown(words: string, durationMs: number): () => void {
  const { show, clear } = progressLine();
  const endAt = performance.now() + durationMs;
  const update = (): void => show(`${words}: ${Math.max(0, Math.ceil((endAt - performance.now()) / 1000))} s left`);
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
