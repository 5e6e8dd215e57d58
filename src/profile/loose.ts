import { InputError } from '../recording/input-error.ts';

/** Reads JSON from other tools. */
export type Loose = Record<string, unknown>;

/** Says what is wrong with a profile; the caller adds the file's name. */
export function bad(what: string): InputError {
  return new InputError(`${what}. Record it again, or give another file.`);
}

export function objectOf(value: unknown, what: string): Loose {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Loose;
  throw bad(`${what} is not an object`);
}

export function arrayOf(value: unknown, what: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw bad(`${what} is not a list`);
}

/** A finite number, or the default for anything else. */
export function numberOf(value: unknown, otherwise: number): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : otherwise;
}

/** µs in 285 years: larger values are damaged, and their sums would not be exact. */
export const MAX_US = 9e15;
const MAX_WEIGHT = 1e18;

/** A weight that can be added up: 0 for what is none. */
export function weightOf(value: unknown): number {
  return Math.min(MAX_WEIGHT, Math.max(0, numberOf(value, 0)));
}

/** Text of bounded length; '' for what is none. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 4096) : '';
}
