import type { WhyThreadPart } from '../../../src/protocol/why-parts.ts';
import type { Row } from '../../../src/recording/types.ts';
import { formatMs } from '../../../src/util/text.ts';
import { type WhyThread, whyThread } from '../../../src/why/alive.ts';
import { shortLines } from '../../../src/why/text.ts';
import { askThread } from '../ask.ts';
import type { DumpableThread } from '../socket/methods/types.ts';
import { threadWhy } from './thread-why.ts';

/** A thread that waits: less than this share of a second is its own. A timer that fires often, on a machine that is busy, takes some. */
const WAITING_UTILIZATION = 0.2;
/** What is said again must be something else; a program that works on and off is not commented for ever. */
const MAX_TIMES = 5;

export interface WhyWatchOptions {
  /** EVDIAG_WHY. */
  whyMs: number;
  threads(): DumpableThread[];
  print(line: string): void;
  pid: number;
}

/**
 * EVDIAG_WHY: once the main thread has done next to nothing for that long, prints what keeps the process alive. A program that has done
 * its work ends by itself, so one that waits for that long either hangs, or waits for what is printed.
 */
export class WhyWatch {
  readonly #options: WhyWatchOptions;
  readonly #printed = new Set<string>();
  #waitedMs = 0;
  #isAsking = false;

  constructor(options: WhyWatchOptions) {
    this.#options = options;
  }

  onRow(threadId: number, row: Row): void {
    if (threadId !== 0 || row.type !== 'event-loop-utilization') return;
    const waits = row.utilization < WAITING_UTILIZATION;
    this.#waitedMs = waits ? this.#waitedMs + row.activeMs + row.idleMs : 0;
    if (this.#waitedMs < this.#options.whyMs || this.#isAsking || this.#printed.size >= MAX_TIMES) return;
    this.#waitedMs = 0;
    void this.#ask();
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    try {
      const parts: WhyThreadPart[] = [];
      for (const thread of this.#options.threads()) parts.push(await askOne(thread));
      this.#print(parts.map(whyThread));
    } finally {
      this.#isAsking = false;
    }
  }

  #print(threads: readonly WhyThread[]): void {
    const { whyMs, print, pid } = this.#options;
    const main = threads.find(({ threadId }) => threadId === 0);
    // It has no answer, or is about to end.
    if (!main || main.alive.length === 0) return;
    const lines = shortLines(threads);
    const key = lines.join('\n');
    if (this.#printed.has(key)) return;
    this.#printed.add(key);
    print(`evdiag: the program has waited for ${formatMs(whyMs)}; what keeps it alive:`);
    for (const line of lines) print(`evdiag:   ${line}`);
    print(`evdiag: more: npx evdiag why ${pid}`);
  }
}

async function askOne(thread: DumpableThread): Promise<WhyThreadPart> {
  const { capture } = thread;
  try {
    return await threadWhy(thread, {
      stack: () => askThread(capture, 'why', 'stack', [{}]),
      why: () => askThread(capture, 'why', 'why', []),
    });
  } finally {
    capture.detach('why');
  }
}
