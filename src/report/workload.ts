import type { Header, Recording } from '../recording/types.ts';
import { type Facts, IDLE_SHARE, MAIN_THREAD, WORKER, type WorkloadClass } from './decision-table.ts';
import { type Load, loadOf } from './load.ts';

export interface Workload {
  /** Of the observed thread; `unknown` if too little was recorded, or the host held the program back. */
  class: WorkloadClass;
  /** Which tool fits, and why. */
  advice: string;
}

const NO_DATA: Workload = {
  class: 'unknown',
  advice: 'Too little was recorded to judge the workload: let the program run for a few seconds under its usual load.',
};

/** What bounds each observed thread of a family, and which tool fits; in the order of the recordings. */
export function workloadsOf(family: readonly Recording[]): Workload[] {
  const observed = family.map(({ header }, i) => ({ header, load: loadOf(family[i]!) }));
  return observed.map(({ load, header }, i) => {
    if (load !== null) return classify(factsOf(load, header, observed));
    const { foreign } = family[i]!;
    return foreign === undefined
      ? NO_DATA
      : { ...NO_DATA, advice: `A recording of ${foreign} does not show how busy the loop was.` };
  });
}

function classify(facts: Facts): Workload {
  const table = facts.threadId === 0 ? MAIN_THREAD : WORKER;
  const entry = table.find(({ fits }) => fits(facts))!; // the last one always fits
  return { class: entry.class, advice: entry.advice(facts) };
}

interface Observed {
  header: Header;
  load: Load | null;
}

function factsOf(load: Load, { pid, threadId, slowMs }: Header, family: readonly Observed[]): Facts {
  // A thread cannot have computed for longer than its loop was busy.
  const computed = load.thread ?? Math.min(load.loop, load.process);
  const elsewhere = processesBeside(pid, family);
  return {
    ...load,
    threadId,
    slowMs,
    computed,
    others: load.process - computed,
    workers: family.filter(({ header }) => header.pid === pid && header.threadId !== 0).length,
    elsewhere: elsewhere.reduce((sum, cores) => sum + cores, 0),
    busyProcesses: elsewhere.filter((cores) => cores >= IDLE_SHARE).length,
  };
}

/** The cores that each other process used: all its threads report the same, and the first is the main thread. */
function processesBeside(pid: number, family: readonly Observed[]): number[] {
  const cores = new Map<number, number>();
  for (const { header, load } of family) {
    if (header.pid !== pid && load !== null && !cores.has(header.pid)) cores.set(header.pid, load.process);
  }
  return [...cores.values()];
}
