import { arch } from 'node:process';

/** Numbers of futex and futex_wait, by architecture: how locks, and Atomics.wait, wait for another thread. */
const NUMBERS: Record<string, readonly number[]> = {
  x64: [202, 455],
  arm64: [98, 455],
  riscv64: [98, 455],
  loong64: [98, 455],
  ppc64: [221, 455],
  s390x: [238, 455],
};

/** Undefined if they are not known. */
export const FUTEX_CALLS = NUMBERS[arch];

/** Whether a thread waits in one, by the text of its file `syscall`. */
export function isFutexCall(text: string): boolean {
  return FUTEX_CALLS?.includes(Number.parseInt(text, 10)) ?? false;
}
