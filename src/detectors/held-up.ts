/** What delayed a thread other than its code, in words. */
import type { Header, StallRow } from '../recording/types.ts';
import { formatMs, formatShare, plural } from '../util/text.ts';

/** Parts of the time that are less than this are left out. */
const LEAST_SHARE = 0.1;
/** What took less than half of the wait is mentioned, but not as the cause. */
const CAUSE_SHARE = 0.5;

type Limits = Pick<Header, 'containerCpus'>;

/** Also whose the time is. */
type OfThread = Pick<Header, 'containerCpus' | 'threadId'>;

interface Waits {
  durationMs: number;
  ranMs: number;
  /** The part of the time without a core that a CPU limit explains, and the rest. */
  throttledMs: number;
  queueMs: number;
  diskMs: number;
  kernelMs: number;
  /** For another thread of the process. */
  lockedMs: number;
  majorFaults: number;
}

/** "640 ms because the container may use 0.2 of a core, and 130 ms for a disk"; null if nothing is worth mentioning. */
export function waitsText(group: readonly StallRow[], limits: Limits): string | null {
  const { durationMs, throttledMs, queueMs, diskMs, kernelMs, majorFaults } = waitsOf(group);
  const parts: [number, string][] = [
    [throttledMs, `${formatMs(throttledMs)} because ${mayUse(group, limits)}`],
    [queueMs, `${formatMs(queueMs)} for a core`],
    [diskMs, `${formatMs(diskMs)} for a disk${faultsText(majorFaults)}`],
    [kernelMs, `${formatMs(kernelMs)} in the kernel`],
  ];
  const worthSaying = parts.filter(([ms]) => ms >= durationMs * LEAST_SHARE).map(([, text]) => text);
  return worthSaying.length > 0 ? worthSaying.join(' and ') : null;
}

/** The whole sentence about stalls that the host caused; `times` is "for 940 ms" or "3 times, up to …". */
export function heldUpMessage(group: readonly StallRow[], times: string, limits: OfThread): string {
  const thread = limits.threadId === 0 ? 'main thread' : 'worker thread';
  const waits = waitsOf(group);
  const { throttledMs, diskMs, durationMs, majorFaults, lockedMs } = waits;
  const ran = waits.ranMs > 0 ? ` The code itself ran for ${formatMs(waits.ranMs)} of ${formatMs(durationMs)}.` : '';
  const pressed = pressureText(group);
  const cause = causeOf(group);
  if (cause === 'lock')
    return `The ${thread} stood still ${times}: it waited ${formatMs(lockedMs)} for another thread of the process, as at a lock of native code or a pause of a debugger.${ran}`;
  const isUnknown = cause === null && group.some(({ runQueueMs }) => runQueueMs !== null);
  if (isUnknown) {
    const waited = waitsText(group, limits);
    return `The machine delayed the ${thread} ${times}${waited ? `: it waited ${waited}` : ''}.${ran}${pressed}`;
  }
  if (cause === 'limit')
    return `The CPU limit delayed the ${thread} ${times}: ${mayUse(group, limits)} and was throttled for ${formatMs(throttledMs)}.${ran}`;
  if (cause === 'memory')
    return `A lack of memory delayed the ${thread} ${times}: the ${scopeOf(group)} is short of memory, and the thread spent ${formatMs(diskMs)} on reading pages back${faultsText(majorFaults)}.${ran}`;
  if (cause === 'disk')
    return `A slow disk delayed the ${thread} ${times}: it waited for the disk for ${formatMs(diskMs)}${faultsText(majorFaults)}. The machine was slow, not your code.${ran}`;
  return `A busy host, not your code, delayed the ${thread} ${times}.${ran}${pressed}`;
}

const RAISE =
  'Raise the CPU limit of the container, or run less in it: a container that has used up its quota waits for the next period.';
const MEMORY = 'Give it more memory, or run less in it, so that its pages stay in memory.';
const LOCK =
  'Nothing to change in your JavaScript: look for what else works in this process at that time, such as native add-ons, debuggers and profilers.';
const DISK =
  'Give the machine more memory, so that pages stay cached, or a faster disk, and check what else uses the disk.';

/** What to change about the host; null if the words of the kind say it. */
export function heldUpRemedy(group: readonly StallRow[]): string | null {
  const cause = causeOf(group);
  if (cause === 'lock') return LOCK;
  return cause === 'limit' ? RAISE : cause === 'memory' ? MEMORY : cause === 'disk' ? DISK : null;
}

/** What explains the wait; null if nothing explains enough of it. */
function causeOf(group: readonly StallRow[]): 'limit' | 'core' | 'disk' | 'memory' | 'lock' | null {
  const { durationMs, ranMs, throttledMs, queueMs, diskMs, kernelMs, lockedMs } = waitsOf(group);
  const most = Math.max(throttledMs, queueMs, diskMs, kernelMs, lockedMs);
  if (most < durationMs * LEAST_SHARE || most < (durationMs - ranMs) * CAUSE_SHARE) return null;
  if (most === throttledMs) return 'limit';
  if (most === kernelMs) return null;
  if (most === lockedMs) return 'lock';
  if (most !== diskMs) return 'core';
  return pressureMs(group, 'memoryMs') >= diskMs * CAUSE_SHARE ? 'memory' : 'disk';
}

/** Sums over the stalls; also for the evidence. */
export function waitsOf(group: readonly StallRow[]): Waits {
  const sum = (of: (stall: StallRow) => number | null | undefined): number =>
    group.reduce((total, stall) => total + (of(stall) ?? 0), 0);
  const throttledMs = sum((stall) => Math.min(stall.throttledMs ?? 0, stall.runQueueMs ?? 0));
  return {
    durationMs: sum(({ durationMs }) => durationMs),
    ranMs: sum(({ durationMs, cpuMs }) => Math.min(durationMs, cpuMs ?? 0)),
    throttledMs,
    queueMs: sum(({ runQueueMs }) => runQueueMs) - throttledMs,
    diskMs: sum((stall) => Math.min(stall.diskMs ?? 0, restOf(stall))),
    kernelMs: sum((stall) => Math.min(stall.kernelMs ?? 0, restOf(stall))),
    lockedMs: sum((stall) => Math.min(stall.lockedMs ?? 0, restOf(stall))),
    majorFaults: sum(({ majorFaults }) => majorFaults),
  };
}

/** What is left besides running and waiting for a core. A thread that starts a process looks like one that waits for a disk. */
function restOf({ kind, durationMs, cpuMs, runQueueMs }: StallRow): number {
  return kind === 'sync-child-process' ? 0 : Math.max(0, durationMs - (cpuMs ?? 0) - (runQueueMs ?? 0));
}

type Resource = 'cpuMs' | 'ioMs' | 'memoryMs';

function pressureMs(group: readonly StallRow[], what: Resource): number {
  return group.reduce((sum, { pressure }) => sum + (pressure?.[what] ?? 0), 0);
}

function scopeOf(group: readonly StallRow[]): string {
  return group.find(({ pressure }) => pressure)?.pressure?.of ?? 'machine';
}

/** " Tasks of the container waited for a core for 94 % of that time." */
function pressureText(group: readonly StallRow[]): string {
  const worthSaying = group.filter(({ pressure }) => pressure);
  const durationMs = worthSaying.reduce((sum, stall) => sum + stall.durationMs, 0);
  const [ms, what] = (['cpuMs', 'ioMs', 'memoryMs'] as const)
    .map((key) => [pressureMs(worthSaying, key), key] as const)
    .reduce((a, b) => (b[0] > a[0] ? b : a));
  if (ms < durationMs * CAUSE_SHARE || durationMs === 0) return '';
  const noun = { cpuMs: 'a core', ioMs: 'a disk', memoryMs: 'memory' }[what];
  return ` Tasks in the ${scopeOf(group)} waited for ${noun} ${formatShare(ms / durationMs)} of that time.`;
}

/** "the container may use 0.2 of a core" */
function mayUse(group: readonly StallRow[], header: Limits): string {
  // It may have been set after the start.
  const containerCpus = group.findLast(({ limitCpus }) => limitCpus !== undefined)?.limitCpus ?? header.containerCpus;
  if (containerCpus === null) return 'the container has a CPU limit';
  const cores = Math.round(containerCpus * 100) / 100;
  return `the container may use ${cores < 1 ? `${cores} of a core` : plural(cores, 'core')}`;
}

function faultsText(majorFaults: number): string {
  return majorFaults > 0 ? ` (${plural(majorFaults, 'page')} had to be loaded)` : '';
}
