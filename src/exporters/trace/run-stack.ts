import type { Operation, Run } from './operation.ts';

/** Most promises have none: an array for each would cost as much as everything else. */
export const NO_RUNS: readonly Run[] = [];

/** The runs of a thread, and those that are on its stack. */
export class RunStack {
  /** In the order of their starts. */
  readonly runs: Run[] = [];
  /** When a run began or ended last. */
  lastUs = 0;
  #stack: Run[] = [];

  /** The innermost; null if the loop itself calls. */
  top(): Run | null {
    return this.#stack.at(-1) ?? null;
  }

  begin(operation: Operation | undefined, us: number): void {
    this.lastUs = us;
    if (!operation) return;
    const run: Run = { operation, startUs: us, endUs: us, within: this.top() };
    this.runs.push(run);
    if (operation.runs === NO_RUNS) operation.runs = [run];
    else (operation.runs as Run[]).push(run);
    this.#stack.push(run);
  }

  /** With everything that runs within it. */
  end(operation: Operation | undefined, us: number): void {
    this.lastUs = us;
    const from = operation ? this.#stack.findLastIndex((run) => run.operation === operation) : -1;
    if (from < 0) return;
    for (const run of this.#stack.slice(from)) run.endUs = us;
    this.#stack.length = from;
  }

  endAll(us: number): void {
    for (const run of this.#stack) run.endUs = us;
    this.#stack = [];
  }
}
