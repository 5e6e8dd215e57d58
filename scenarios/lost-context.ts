import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { appendFile } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { runIfMain, withServer, withTempDir } from './support.ts';
import type { Headline, Scenario } from './types.ts';

const ROUNDS = 25;
const TOGETHER = 8;
const EVERY_MS = 80;
const BATCH_MS = 10;

type Saved = (error: Error | null) => void;
type Save = (journal: Journal, line: string, saved: Saved) => void;

const requestId = new AsyncLocalStorage<string>();

/** Collects lines and appends them together: the first of them starts the timer for all, in its own context. */
class Journal {
  #file: string;
  #lines: string[] = [];
  #callbacks: Saved[] = [];

  constructor(file: string) {
    this.#file = file;
  }

  save(line: string, saved: Saved): void {
    if (this.#lines.length === 0) setTimeout(() => this.#flush(), BATCH_MS);
    this.#lines.push(line);
    this.#callbacks.push(saved);
  }

  #flush(): void {
    const text = this.#lines.join('');
    const callbacks = this.#callbacks;
    this.#lines = [];
    this.#callbacks = [];
    appendFile(this.#file, text, (error) => {
      for (const saved of callbacks) saved(error);
    });
  }
}

const saveBare: Save = (journal, line, saved) => journal.save(line, saved); // guilty

const saveBound: Save = (journal, line, saved) => journal.save(line, AsyncResource.bind(saved));

function serve(save: Save): Promise<Headline> {
  return withTempDir((dir) => {
    const journal = new Journal(join(dir, 'journal'));
    const log: { order: string; loggedAs: string | undefined }[] = [];
    const order = (id: string) =>
      new Promise<string>((resolve, reject) => {
        save(journal, `${id}\n`, (error) => {
          log.push({ order: id, loggedAs: requestId.getStore() });
          if (error) reject(error);
          else resolve('saved');
        });
      });
    const route = (query: URLSearchParams) => requestId.run(query.get('id')!, () => order(query.get('id')!));
    return withServer({ '/order': route }, async (get) => {
      const startMs = performance.now();
      for (let round = 0; round < ROUNDS; round++) {
        await Promise.all(Array.from({ length: TOGETHER }, (_, i) => get(`/order?id=${round}-${i}`)));
        await delay(EVERY_MS);
      }
      const wrong = log.filter(({ order, loggedAs }) => order !== loggedAs).length;
      const what = `${log.length} orders, of which ${wrong} were logged under another's id,`;
      return { what, value: performance.now() - startMs, unit: 'ms' };
    });
  });
}

export const lostContext: Scenario = {
  id: 'lost-context',
  title: 'Called back in the context of another request',
  description:
    'A queue that serves many requests calls them all back from one timer, so AsyncLocalStorage holds what belongs to whoever started it. Shown by its own measurement: how many log the wrong id.',
  expect: [],
  broken: () => serve(saveBare),
  fixed: () => serve(saveBound),
};

runIfMain(import.meta.url, lostContext);
