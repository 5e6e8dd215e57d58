/** Whether a process can be asked at all (Linux tells; elsewhere null). */
import { readFileSync } from 'node:fs';
import { statusOf } from '../../util/process-view.ts';
import { TargetError } from '../target-error.ts';

/** When it was started, in hundredths of a second since the machine was: with its number it names a process for good. Null where it is gone. */
export function startTicks(pid: number): number | null {
  try {
    return Number(statFields(pid)[19]);
  } catch {
    return null;
  }
}

/** The fields of `/proc/PID/stat` from the third on. Throws where it is gone. */
export function statFields(pid: number): string[] {
  return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)!.trim().split(' ');
}

/** Why a process that is there gives no answer; null where nothing is known against it. */
export function silenceText(pid: number): string | null {
  const state = statusOf(pid)?.State?.[0];
  if (state === 'T' || state === 't') {
    return `Process ${pid} is stopped (SIGSTOP, Ctrl-Z, or a debugger of native code). Continue it with "kill -CONT ${pid}", then ask again.`;
  }
  if (state === 'Z' || state === 'X') {
    return `Process ${pid} has ended and waits for its parent to ask for its exit code (a zombie): there is nothing to see any more.`;
  }
  return null;
}

/** Throws TargetError where it cannot answer. */
export function requireAnswerable(pid: number): void {
  const text = silenceText(pid);
  if (text !== null) throw new TargetError(text);
}
