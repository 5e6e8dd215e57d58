import type { Level } from '../../src/recording/types.ts';
import { Observation } from './observation.ts';
import type { ObservationOptions } from './observation-options.ts';
import type { ThreadData } from './types.ts';

/** Worker threads observed at a time; more run unobserved, and are counted. */
const MAX_WORKERS = 64;
/** Folders of worker threads per process: a program that starts one per request must not leave thousands of them. */
const MAX_WORKER_FOLDERS = 64;
/** Ended threads kept in memory for the summary. */
const MAX_ENDED = 16;
/** Numbers of ended threads that are remembered. */
const MAX_GONE = 1000;
const THREADS_ROW_MS = 1000;

/** Loaded when it is first used, as it brings all rules with it. */
const loadSummary = () => require('./summary.ts') as typeof import('./summary.ts');

type CommonOptions = Omit<ObservationOptions, 'thread' | 'level' | 'mayWrite'>;

/** The threads of the process that are observed: they come, go, and are counted. */
export class ObservedThreads {
  readonly main: Observation;
  readonly #options: CommonOptions;
  readonly #workers = new Map<number, Observation>();
  readonly #ended: Observation[] = [];
  readonly #counts = { started: 0, ended: 0, unobserved: 0 };
  /** Alive, beyond MAX_WORKERS: each says hello again and again. */
  readonly #unobserved = new Set<number>();
  /** A terminated thread's hello may arrive after the report of its end, on another port. */
  readonly #gone = new Set<number>();
  #level: Level;
  #folders = 0;
  #changed = false;
  #recordedAt = Number.NEGATIVE_INFINITY;

  constructor(options: CommonOptions, main: ThreadData) {
    this.#options = options;
    this.#level = options.data.settings.level;
    this.main = this.#observe(main);
  }

  get level(): Level {
    return this.#level;
  }

  alive(): Observation[] {
    return [this.main, ...this.#workers.values()];
  }

  /** Those in the summary: the main thread, and ended ones in which something was found. */
  judged(): Observation[] {
    return [this.main, ...this.#ended];
  }

  /** All that are in memory. */
  observed(): Observation[] {
    return [...this.alive(), ...this.#ended];
  }

  of(threadId: number): Observation | undefined {
    return threadId === 0 ? this.main : this.#workers.get(threadId);
  }

  add(thread: ThreadData): void {
    const { threadId } = thread;
    if (this.#workers.has(threadId) || this.#gone.has(threadId)) return;
    const isNew = !this.#unobserved.delete(threadId);
    const isFull = this.#workers.size >= MAX_WORKERS;
    if (isFull) this.#unobserved.add(threadId);
    else this.#workers.set(threadId, this.#observe(thread));
    if (isNew) this.#counts.started++;
    if (isNew && isFull) this.#counts.unobserved++;
    this.#changed ||= isNew;
  }

  onGone(threadId: number): void {
    if (this.#gone.size >= MAX_GONE) this.#gone.delete(this.#gone.values().next().value!);
    this.#gone.add(threadId);
    const worker = this.#workers.get(threadId);
    if (worker) this.#end(worker);
    if (this.#unobserved.delete(threadId)) this.#countEnd();
  }

  setLevel(next: Level): void {
    if (next === this.#level) return;
    this.#level = next;
    for (const thread of this.alive()) thread.setLevel(next);
  }

  /** Returns how many ms later it wants to be called again. */
  tick(): number {
    let nextMs = this.main.tick();
    for (const worker of [...this.#workers.values()]) {
      if (worker.isGone()) this.#end(worker);
      else nextMs = Math.min(nextMs, worker.tick());
    }
    this.#recordCounts(THREADS_ROW_MS);
    return nextMs;
  }

  endWorkers(): void {
    for (const worker of [...this.#workers.values()]) this.#end(worker);
    this.#recordCounts(0);
  }

  #observe(thread: ThreadData): Observation {
    const { attached } = this.#options.data;
    const records = attached?.record ?? true;
    const mayWrite = (): boolean => records && (thread.threadId === 0 || ++this.#folders <= MAX_WORKER_FOLDERS);
    return new Observation({ ...this.#options, thread, level: this.#level, mayWrite });
  }

  #end(worker: Observation): void {
    worker.finish({ reason: 'exit', exitCode: null, signal: null });
    this.#workers.delete(worker.threadId);
    this.#countEnd();
    if (worker.folder() && loadSummary().hasFindings(worker.inMemory())) this.#ended.push(worker);
    if (this.#ended.length > MAX_ENDED) this.#ended.shift();
  }

  #countEnd(): void {
    this.#counts.ended++;
    this.#changed = true;
  }

  #recordCounts(everyMs: number): void {
    const t = this.main.now();
    if (!this.#changed || t - this.#recordedAt < everyMs) return;
    this.#changed = false;
    this.#recordedAt = t;
    const alive = this.#counts.started - this.#counts.ended;
    this.main.record({ t, type: 'threads', ...this.#counts, alive });
  }
}
