import type { RawFrame } from '../shared-memory.ts';
import { stringify } from './primordials.ts';

const FRAME_LIMIT = 64;
const NAME_LIMIT = 200;

// Kept from before the application could replace them.
const NativeError = Error;
const { captureStackTrace } = Error;
const { defineProperty, getOwnPropertyDescriptor } = Object;

/**
 * The frames above the caller of `below`, innermost first, positions in the generated code.
 *
 * The two properties of Error that shape a stack are set for the moment and put back; where the application has
 * frozen them, the stack is empty.
 */
export function callSites(limit: number, below?: (...args: never[]) => unknown): RawFrame[] {
  const oldLimit = getOwnPropertyDescriptor(NativeError, 'stackTraceLimit');
  const oldPrepare = getOwnPropertyDescriptor(NativeError, 'prepareStackTrace');
  let frames: RawFrame[] = [];
  try {
    defineProperty(NativeError, 'stackTraceLimit', { value: limit, writable: true, configurable: true });
    defineProperty(NativeError, 'prepareStackTrace', {
      value: (_error: unknown, sites: NodeJS.CallSite[]) => {
        frames = sites.filter(isNotOurs).map(toFrame);
        return '';
      },
      writable: true,
      configurable: true,
    });
    const holder: { stack?: string } = {};
    captureStackTrace(holder, below);
    void holder.stack;
  } catch {
    frames = [];
  } finally {
    restore('stackTraceLimit', oldLimit);
    restore('prepareStackTrace', oldPrepare);
  }
  return frames;
}

function restore(name: 'stackTraceLimit' | 'prepareStackTrace', old: PropertyDescriptor | undefined): void {
  try {
    if (old) defineProperty(NativeError, name, old);
    else delete NativeError[name];
  } catch {
    // Frozen by the application: then it was not changed either.
  }
}

/** Neither this bundle nor the watchdog's `Runtime.evaluate`, whose script has an empty name. */
function isNotOurs(site: NodeJS.CallSite): boolean {
  const file = site.getFileName();
  return file !== __filename && file !== '';
}

function toFrame(site: NodeJS.CallSite): RawFrame {
  const url = site.getFileName() ?? site.getEvalOrigin() ?? null;
  // Built-ins have no file; their text names the object as well: "JSON.parse (<anonymous>)".
  const name = url === null ? site.toString().replace(/ \(.*$/, '') : (site.getFunctionName() ?? '');
  return [name.slice(0, NAME_LIMIT), url, site.getLineNumber() ?? 0, site.getColumnNumber() ?? 0];
}

/** What the watchdog's `Runtime.evaluate` calls: an `InterruptedStack` as JSON. */
export function interruptedStack(count: number): string {
  return stringify({ count, frames: callSites(FRAME_LIMIT) });
}
