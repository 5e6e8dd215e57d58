/** What held a thread up that was not its code, in words. */
import type { Header, StallRow } from '../recording/types.ts';
import { formatMs, plural } from '../util/text.ts';

/** Parts of the time that are less than this are left out. */
const LEAST_SHARE = 0.1;

type Limits = Pick<Header, 'containerCpus'>;

interface Waits {
  durationMs: number;
  ranMs: number;
  /** Of the time without a core, what a CPU limit explains; and the rest of it. */
  throttledMs: number;
  queueMs: number;
  diskMs: number;
  majorFaults: number;
}

/** "640 ms because the container may use 0.2 of a core, and 130 ms for a disk"; null where nothing is worth telling. */
export function waitsText(group: readonly StallRow[], limits: Limits): string | null {
  const { durationMs, throttledMs, queueMs, diskMs, majorFaults } = waitsOf(group);
  const parts: [number, string][] = [
    [throttledMs, `${formatMs(throttledMs)} because ${mayUse(limits)}`],
    [queueMs, `${formatMs(queueMs)} for a core`],
    [diskMs, `${formatMs(diskMs)} for a disk${faultsText(majorFaults)}`],
  ];
  const told = parts.filter(([ms]) => ms >= durationMs * LEAST_SHARE).map(([, text]) => text);
  return told.length > 0 ? told.join(' and ') : null;
}

/** The whole sentence about stalls that were the host's; `times` is "for 940 ms" or "3 times, up to …". */
export function heldUpMessage(group: readonly StallRow[], times: string, limits: Limits): string {
  const waits = waitsOf(group);
  const { ranMs, throttledMs, queueMs, diskMs, durationMs, majorFaults } = waits;
  const most = Math.max(throttledMs, queueMs, diskMs);
  const ran = waits.ranMs > 0 ? ` Of ${formatMs(durationMs)} the code ran ${formatMs(ranMs)}.` : '';
  if (most < durationMs * LEAST_SHARE && group.some(({ runQueueMs }) => runQueueMs !== null))
    return `The machine held the main thread up ${times}.${ran}`;
  if (throttledMs === most && most > 0)
    return `The main thread was held back ${times}: ${mayUse(limits)}, and was throttled for ${formatMs(throttledMs)}.${ran}`;
  if (diskMs === most && most > 0)
    return `The main thread waited for a disk ${times}${faultsText(majorFaults)}: the machine was slow, not your code.${ran}`;
  return `The main thread got no core ${times}: the host was busy, not your code.${ran}`;
}

const RAISE =
  'Raise the CPU limit of the container, or run less in it: whoever has used up a period waits for the next one.';
const DISK = 'Give the machine more memory, so that pages stay in it, or a faster disk; look who else uses them.';

/** What to change about the host; null where the words of the kind say it. */
export function heldUpRemedy(group: readonly StallRow[]): string | null {
  const { throttledMs, queueMs, diskMs, durationMs } = waitsOf(group);
  const most = Math.max(throttledMs, queueMs, diskMs);
  if (most < durationMs * LEAST_SHARE) return null;
  return most === throttledMs ? RAISE : most === diskMs ? DISK : null;
}

/** In sums over the stalls; also for the evidence. */
export function waitsOf(group: readonly StallRow[]): Waits {
  const sum = (of: (stall: StallRow) => number | null | undefined): number =>
    group.reduce((total, stall) => total + (of(stall) ?? 0), 0);
  const throttledMs = sum((stall) => Math.min(stall.throttledMs ?? 0, stall.runQueueMs ?? 0));
  return {
    durationMs: sum(({ durationMs }) => durationMs),
    ranMs: sum(({ durationMs, cpuMs }) => Math.min(durationMs, cpuMs ?? 0)),
    throttledMs,
    queueMs: sum(({ runQueueMs }) => runQueueMs) - throttledMs,
    // One that starts a process looks like one that waits for a disk.
    diskMs: sum(({ kind, diskMs, durationMs, cpuMs, runQueueMs }) =>
      kind === 'sync-child-process'
        ? 0
        : Math.min(diskMs ?? 0, Math.max(0, durationMs - (cpuMs ?? 0) - (runQueueMs ?? 0))),
    ),
    majorFaults: sum(({ majorFaults }) => majorFaults),
  };
}

/** "the container may use 0.2 of a core" */
function mayUse({ containerCpus }: Limits): string {
  if (containerCpus === null) return 'the container has a CPU limit';
  const cores = Math.round(containerCpus * 100) / 100;
  return `the container may use ${cores < 1 ? `${cores} of a core` : plural(cores, 'core')}`;
}

function faultsText(majorFaults: number): string {
  return majorFaults > 0 ? ` (${plural(majorFaults, 'page')} had to be loaded)` : '';
}
