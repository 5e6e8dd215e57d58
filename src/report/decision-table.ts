/** Which tool fits which workload: asynchronous I/O, a worker pool, more processes, or none. */
import { CONTENTION_SHARE } from '../detectors/limits.ts';
import { formatShare, plural } from '../util/text.ts';
import type { Load } from './load.ts';

export type WorkloadClass = 'cpu-bound' | 'io-bound' | 'mixed' | 'idle' | 'unknown';

/** Below this share of a core and of the time nothing is worth tuning: timers, health checks and the agent use as much. */
export const IDLE_SHARE = 0.05;
/** Above this share of a core or of the time there is little room left: queueing theory puts the knee of latency near 70 %. */
const BUSY_SHARE = 0.7;
/** Half of the busy share: a program that uses less of a core mostly waits for others. */
const LOW_SHARE = 0.35;
/** A loop that computes uses CPU for nearly all of its busy time; one that uses less than this share waits in synchronous calls. */
const COMPUTING_SHARE = 0.6;
/** Share of the cores or of a container's limit. Throttling works in periods of 100 ms, so the mean stays below the limit. */
const FULL_SHARE = 0.9;
/** Share of the busy time: what takes most of it decides. */
const LONG_PIECES_SHARE = 0.5;

/** The input of the table. */
export interface Facts extends Load {
  /** CPU time of the observed thread, in cores; if the platform does not report it, the most that it can be. */
  computed: number;
  /** CPU time of the process outside the observed thread, in cores. */
  others: number;
  threadId: number;
  /** Worker threads of the process that were recorded. */
  workers: number;
  /** CPU time of the family's other processes, in cores. */
  elsewhere: number;
  /** Other processes of the family that were not idle. */
  busyProcesses: number;
  slowMs: number;
}

/** A line of the table; the first one that fits is taken. */
interface Entry {
  class: WorkloadClass;
  fits(facts: Facts): boolean;
  advice(facts: Facts): string;
}

const contended: Entry = {
  class: 'unknown',
  fits: (facts) => contention(facts) >= CONTENTION_SHARE,
  advice: (facts) =>
    `The thread waited for a core ${formatShare(contention(facts))} of the time in which it was ready to run, so it is unknown what limits the program itself: record again on a host with less to do, or with more cores.`,
};

const throttled: Entry = {
  class: 'unknown',
  // A limit of one core does not hold back a single thread that computes all the time.
  fits: ({ process, limit, computed }) => limit !== null && process >= limit * FULL_SHARE && computed < BUSY_SHARE,
  advice: ({ limit }) =>
    `The process used up its container's limit of ${plural(limit ?? 0, 'CPU')} and was throttled, so it is unknown what limits the program itself: raise the limit and record again.`,
};

/** If there was almost nothing to run, a busy host took almost nothing away. */
const isIdle = ({ loop, process, queued }: Facts): boolean => Math.max(loop, process, queued ?? 0) < IDLE_SHARE;

export const MAIN_THREAD: readonly Entry[] = [
  {
    class: 'io-bound',
    fits: (facts) => isIdle(facts) && facts.waitingCalls > 0,
    advice: ({ waitingCalls }) =>
      `The program computed next to nothing while ${plural(waitingCalls, 'call')} of its own waited for a second or more: what is slow waits for something else. evdiag dump PID names the lines, and what each waits for.`,
  },
  {
    class: 'idle',
    fits: isIdle,
    advice: ({ busyProcesses, connections }) =>
      busyProcesses > 0
        ? `This process did almost nothing: the work is in ${plural(busyProcesses, 'other process', 'other processes')}, each with a workload of its own.`
        : connections > 0
          ? `The program did almost nothing while ${plural(connections, 'connection was', 'connections were')} open: where requests wait on them, it waits for something else, and evdiag dump PID names the lines; where none do, put it under its usual load and record again.`
          : 'The program did almost nothing, so there is nothing to tune: put it under its usual load and record again.',
  },
  contended,
  throttled,
  {
    class: 'cpu-bound',
    fits: (facts) => facts.others >= BUSY_SHARE && (facts.loop < BUSY_SHARE || waitsInCalls(facts)),
    advice: otherThreadsText,
  },
  {
    class: 'io-bound',
    fits: (facts) => (facts.loop >= LOW_SHARE || facts.longPieces >= LONG_PIECES_SHARE) && waitsInCalls(facts),
    advice: ({ loop, computed }) =>
      `The loop was busy for ${formatShare(loop)} of the time but computed for ${formatShare(computed)}: it waited in synchronous calls. Use their asynchronous forms, so that the waits overlap; worker threads and further processes would each wait as long.`,
  },
  { class: 'cpu-bound', fits: ({ loop }) => loop >= BUSY_SHARE, advice: computingText },
  {
    class: 'cpu-bound',
    fits: ({ loop, process, longPieces }) =>
      loop >= IDLE_SHARE && process < LOW_SHARE && longPieces >= LONG_PIECES_SHARE,
    advice: fewLongPiecesText,
  },
  {
    class: 'io-bound',
    fits: ({ process }) => process < LOW_SHARE,
    advice: ({ loop }) =>
      `The loop was free for ${formatShare(1 - loop)} of the time: what is slow waits for something else. Use asynchronous I/O with more concurrency (Promise.all under a limit, keep-alive connections, batches); worker threads and further processes would wait just the same.`,
  },
  { class: 'mixed', fits: () => true, advice: mixedText },
];

/** A worker is judged by its own CPU time: that of the process is shared with the other threads. */
export const WORKER: readonly Entry[] = [
  {
    class: 'unknown',
    fits: ({ thread, loop }) => thread === null && loop >= LOW_SHARE,
    advice: ({ loop }) =>
      `The worker's loop was busy for ${formatShare(loop)} of the time, but this platform does not report how much of it was computing: a pool's worker also waits for jobs in Atomics.wait.`,
  },
  {
    class: 'idle',
    fits: ({ computed, queued }) => Math.max(computed, queued ?? 0) < IDLE_SHARE,
    advice: () => 'The worker thread computed almost nothing: fewer workers are enough for this load.',
  },
  contended,
  {
    class: 'cpu-bound',
    fits: ({ computed }) => computed >= BUSY_SHARE,
    advice: ({ computed, cores }) =>
      `The worker thread computed for ${formatShare(computed)} of the time, which is what it is for: keep the pool at ${plural(cores, 'thread')}, one per core, and make the hot code cheaper.`,
  },
  {
    class: 'io-bound',
    fits: ({ computed }) => computed < LOW_SHARE,
    advice: ({ computed }) =>
      `The worker thread computed for only ${formatShare(computed)} of the time: what it waits for costs less as asynchronous I/O on one loop than as a thread.`,
  },
  {
    class: 'mixed',
    fits: () => true,
    advice: ({ computed }) =>
      `The worker thread computed for ${formatShare(computed)} of the time: keep the computing here, and move the I/O to the loop of the main thread.`,
  },
];

function contention({ thread, queued }: Facts): number {
  return thread === null || queued === null || queued === 0 ? 0 : queued / (thread + queued);
}

function waitsInCalls({ loop, computed }: Facts): boolean {
  return computed < loop * COMPUTING_SHARE;
}

function computingText({ loop, cores, process, elsewhere, longPieces, slowMs }: Facts): string {
  const busy = `JavaScript kept the loop busy for ${formatShare(loop)} of the time`;
  if (cores === 1)
    return `${busy} on the only core: make the hot code cheaper; threads and processes need further cores.`;
  if (process + elsewhere >= cores * FULL_SHARE)
    return `${busy}, and the program uses all ${cores} cores already: make the hot code cheaper, or use more machines.`;
  return longPieces >= LONG_PIECES_SHARE
    ? `${busy}, mostly in pieces of more than ${slowMs} ms: move these to a worker pool (piscina, node:worker_threads) of up to ${cores} threads, one per core. Asynchronous calls do not make computing faster.`
    : `${busy}, mostly in pieces of less than ${slowMs} ms: share the load among up to ${cores} processes (node:cluster). A worker pool (piscina) pays off only for pieces that cost more than the round trip.`;
}

/** A program with little to do does not wait: what it does decides. */
function fewLongPiecesText({ loop, cores, slowMs }: Facts): string {
  const busy = `JavaScript kept the loop busy for only ${formatShare(loop)} of the time, but mostly in pieces of more than ${slowMs} ms, behind which everything else waits`;
  return cores === 1
    ? `${busy}: make these cheaper; threads and processes need further cores.`
    : `${busy}: move these to a worker pool (piscina, node:worker_threads). Asynchronous calls do not make computing faster.`;
}

function otherThreadsText({ loop, computed, process, workers, cores }: Facts): string {
  const threads =
    workers > 0 ? `worker threads compute (${workers} recorded)` : 'worker threads or the thread pool of libuv compute';
  const main =
    loop < BUSY_SHARE
      ? `its main loop was free for ${formatShare(1 - loop)} of the time`
      : `its main thread waited in synchronous calls for ${formatShare(loop - computed)} of the time`;
  const busy = `The process took ${formatShare(process)} of a core while ${main}: the work is in other threads, ${threads}.`;
  return process >= cores * FULL_SHARE
    ? `${busy} All ${plural(cores, 'core')} are in use: make the jobs cheaper, or use more machines.`
    : `${busy} Their number limits the speed: size the pool to the ${plural(cores, 'core')} (UV_THREADPOOL_SIZE for crypto, zlib, fs and dns.lookup); more processes gain nothing.`;
}

function mixedText({ loop, process, cores }: Facts): string {
  const busy = `The loop was busy for ${formatShare(loop)} of the time and the process took ${formatShare(process)} of a core: it computes and waits.`;
  return cores === 1
    ? `${busy} Keep the I/O asynchronous and make what computes cheaper; threads and processes need further cores.`
    : `${busy} Keep the I/O on the loop and move what computes to a worker pool (piscina, node:worker_threads) of up to ${cores} threads; add processes (node:cluster) once one loop is full.`;
}
