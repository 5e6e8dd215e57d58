/** What kept the loop from turning. */
import type { RowBase } from './header.ts';
import type { ChainKind, Frame, Location } from './places.ts';
import type { Work, WorkShare } from './work.ts';

/** What kept the main thread from its event loop. */
export const STALL_KINDS = [
  'js-cpu',
  'sync-fs',
  'sync-child-process',
  'sync-crypto',
  'sync-zlib',
  'sync-sleep',
  'sync-database',
  'native-addon',
  'sync-stdio',
  'json',
  'regexp',
  'gc',
  'module-load',
  'host',
] as const;
export type StallKind = (typeof STALL_KINDS)[number];

/** Written when a stall crosses the threshold, while it still lasts. */
export interface StallOpenRow extends RowBase {
  type: 'stall-open';
  id: number;
  startMs: number;
  /** Duration so far. */
  durationMs: number;
  kind: StallKind | null;
  location: Location | null;
  /** As in the stall's row (format 1.1). */
  chain?: ChainKind | null;
  waiting?: number | null;
  /** The same, so far (format 1.4). */
  cpuMs?: number | null;
  runQueueMs?: number | null;
  sleptMs?: number;
  lockedMs?: number;
}

/** One distinct stack seen during a stall, with the time that it accounts for. */
export interface StallStack {
  weightMs: number;
  /** How many equal stacks were taken; absent in recordings before format 1.4. */
  count?: number;
  kind: StallKind;
  /** Innermost first, at most 64. */
  frames: Frame[];
  location: Location | null;
  /** A call that is marked while it runs, so that its kind is known without interrupting the thread; its place as well, unless `late` (format 1.4). */
  marked?: boolean;
  /** All such stacks were taken after a native call had returned: the line may be one that comes later (format 1.4). */
  late?: boolean;
}

export interface StallRow extends RowBase {
  type: 'stall';
  id: number;
  startMs: number;
  durationMs: number;
  kind: StallKind;
  /** Innermost frame of the user's own code; null if no stack could be taken. */
  location: Location | null;
  stacks: StallStack[];
  /** CPU time of the main thread during the stall. */
  cpuMs: number | null;
  /** Time the main thread waited for a core during the stall, also because of a CPU limit. */
  runQueueMs: number | null;
  /** The part of `runQueueMs`, at most, that is due to the container's CPU limit; absent if there is none (format 1.4). */
  throttledMs?: number;
  /** That limit, in cores (format 1.4). */
  limitCpus?: number;
  /** It waited within a system call, by samples of its state; absent if the platform does not report it, or no sample was taken (format 1.4). */
  sleptMs?: number;
  /** The same, for another thread: a lock, or Atomics.wait (format 1.4). */
  lockedMs?: number;
  /** The same, for a disk: reads and writes, and pages that had to be loaded; at most what the kernel counted (format 1.4). */
  diskMs?: number;
  /** The same, for waits that are not for a disk and that no signal interrupts: a lock of the kernel (format 1.4). */
  kernelMs?: number;
  /** Pages that had to be loaded from disk or swap, since the stall was noticed (format 1.4). */
  majorFaults?: number;
  /** How long at least one task of the container, or of the machine, waited meanwhile (format 1.4). */
  pressure?: { of: 'container' | 'machine'; cpuMs: number | null; ioMs: number | null; memoryMs: number | null };
  gcMs: number;
  /** The program was still loading its modules. */
  startup: boolean;
  /** A debugger was attached: the stall may be a breakpoint. */
  debugger: boolean;
  /** What ran was evdiag's own, a dump for example (format 1.4). */
  own?: true;
  /** Referenced servers, sockets and timers that had to wait, at the last reading; null if not known. */
  waiting: number | null;
  /** Not one long call but a chain of short ones that never let the loop turn; null for one call, absent if unknown (format 1.1). */
  chain?: ChainKind | null;
  /** Whose work took most of it; absent if that is not known (format 1.6). */
  work?: Work;
  /** Requests that were in progress or arrived meanwhile, of those that are followed; absent if there were none (format 1.6). */
  waited?: WorkShare[];
  /** How sure the place is, 0..1. */
  confidence: number;
}
