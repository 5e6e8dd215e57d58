/** Which calls of a function are marked, if not all. */
import { apply } from '../primordials.ts';
import type { AnyFunction } from './replace.ts';

/** JSON.parse of less text than this takes well below a millisecond. */
const LARGE_JSON_CHARACTERS = 32 * 1024;

/** Small texts are passed through: JSON.parse is on many hot paths. */
export function onlyLargeText(original: AnyFunction, marked: AnyFunction): AnyFunction {
  return {
    markedCall(this: unknown, text: unknown, reviver: unknown) {
      return typeof text === 'string' && text.length > LARGE_JSON_CHARACTERS
        ? apply(marked, this, [text, reviver])
        : apply(original, this, [text, reviver]);
    },
  }.markedCall as AnyFunction;
}

/** V8 keeps the formatter of the last language: only one with options is made for each call. */
export function onlyWithOptions(original: AnyFunction, marked: AnyFunction): AnyFunction {
  return {
    markedCall(this: unknown, _locales: unknown, options: unknown): unknown {
      // biome-ignore lint/complexity/noArguments: V8 hands them on without making a list
      return options === undefined ? apply(original, this, arguments) : apply(marked, this, arguments);
    },
  }.markedCall as AnyFunction;
}
