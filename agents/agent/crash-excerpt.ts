import { fileURLToPath } from 'node:url';
import { builtIn } from '../built-in.ts';
import { createSensor, guarded } from '../guard.ts';
import { apply, getPrototypeOf, NativeSyntaxError, NativeWeakMap, process } from '../primordials.ts';
import type { NodeInternals } from './node-internals.ts';
import { listenUnseen } from './unseen-listeners.ts';

/** What a native function throws: the line that called our wrapper of it. */
interface Place {
  file: string;
  line: number;
  column: number;
}

const { get, set } = NativeWeakMap.prototype;
const { prototype: syntaxErrors } = NativeSyntaxError;
const places = new NativeWeakMap<object, Place>();
/** As it was before it was marked, or replaced by the program. */
const { readFileSync } = builtIn<{ readFileSync(path: string, encoding: 'utf8'): string }>('fs')!;

/** A wrapper of ours is on top of the error's stack, and below it this frame. A syntax error has a place of its own. */
export function thrownThroughUs(error: unknown, caller: NodeJS.CallSite | undefined): void {
  const file = caller?.getFileName();
  if (!file || typeof error !== 'object' || error === null || getPrototypeOf(error) === syntaxErrors) return;
  apply(set, places, [error, { file, line: caller!.getLineNumber() ?? 0, column: caller!.getColumnNumber() ?? 0 }]);
}

/**
 * Where nobody catches an error, Node prints the line that threw it: for what a native function throws, that is the line of our wrapper.
 * Node shows another text if the error has it, so such an error gets the line of the program.
 */
export function showCallersOfNatives(internals: NodeInternals | null): void {
  const symbol = arrowSymbol(internals);
  if (symbol === undefined) return;
  const show = guarded(createSensor('the line of an uncaught error', true), (error: Record<symbol, unknown> | null) => {
    if (typeof error !== 'object' || error === null) return;
    // Formats it, if that has not been done.
    void (error as { stack?: unknown }).stack;
    const place = apply(get, places, [error]) as Place | undefined;
    if (place && typeof error[symbol] !== 'string') error[symbol] = excerptOf(place);
  });
  listenUnseen(process as never, 'uncaughtExceptionMonitor', show);
}

function arrowSymbol(internals: NodeInternals | null): symbol | undefined {
  try {
    return internals?.internalBinding('util').privateSymbols?.arrow_message_private_symbol;
  } catch {
    return undefined;
  }
}

/** As Node writes it; without the source where there is no file. */
function excerptOf({ file, line, column }: Place): string {
  const head = `${file}:${line}\n`;
  try {
    const path = file.startsWith('file:') ? fileURLToPath(file) : file;
    const source = readFileSync(path, 'utf8').split('\n')[line - 1];
    if (source === undefined) return head;
    let indent = '';
    for (let i = 0; i < column - 1; i++) indent += source[i] === '\t' ? '\t' : ' ';
    return `${head}${source}\n${indent}^\n`;
  } catch {
    return head;
  }
}
