import type { Ignore } from './types.ts';

export interface EvdiagTestOptions {
  /** How long a test may block the event loop, in milliseconds; 0: without limit. Default 500. */
  stallMs?: number;
  /** How long leftovers of a test may take to end by themselves, in milliseconds. Default 500. */
  graceMs?: number;
  /** Leftovers that are meant to stay. Functions work only in a setup file, as the configuration is loaded in another process. */
  ignore?: readonly Ignore[];
}

export const DEFAULTS = { stallMs: 500, graceMs: 500, ignore: [] } as const;

/** Options as text: the tests run in other processes. */
export function toText({ ignore = [], ...rest }: EvdiagTestOptions): string {
  const texts = ignore.map((one) => {
    if (typeof one === 'function')
      throw new TypeError('evdiag: a function in `ignore` cannot reach the processes of the tests: use a setup file.');
    return typeof one === 'string' ? one : { source: one.source, flags: one.flags };
  });
  return JSON.stringify({ ...rest, ignore: texts });
}

export function fromText(text: string): EvdiagTestOptions {
  const { ignore = [], ...rest } = JSON.parse(text) as {
    ignore?: (string | { source: string; flags: string })[];
    stallMs?: number;
    graceMs?: number;
  };
  return { ...rest, ignore: ignore.map((one) => (typeof one === 'string' ? one : new RegExp(one.source, one.flags))) };
}
