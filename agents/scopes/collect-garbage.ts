import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: (() => void) | null = null;

/** A full collection, to tell an event target that is not referenced any more from one that is. */
export function collectGarbage(): void {
  collect ??= (globalThis as { gc?: () => void }).gc ?? exposed();
  collect();
}

function exposed(): () => void {
  try {
    setFlagsFromString('--expose-gc');
    return runInNewContext('gc') as () => void;
  } catch {
    return () => {};
  } finally {
    setFlagsFromString('--no-expose-gc');
  }
}
