import { ownStacks } from '../../src/util/own-stacks.ts';
import { apply } from '../primordials.ts';
import { thrownThroughUs } from './crash-excerpt.ts';
import { onLeave } from './leaving.ts';
import type { NodeInternals } from './node-internals.ts';

/**
 * Removes the agent's frames from every stack that is formatted in this thread: the wrapper of a built-in is between
 * the program and what the built-in throws or calls.
 *
 * V8 calls Node to format stacks, by a function that only Node's internals can change. If these are out of reach, the frames are visible.
 */
export function hideOwnFrames(internals: NodeInternals | null): void {
  if (!internals) return;
  try {
    const { prepareStackTraceCallback } = internals.requireBuiltin('internal/errors');
    if (typeof prepareStackTraceCallback !== 'function') return;
    // The name by which profiles recognise functions that only pass on: the time of the program's own formatter is not the agent's.
    const { markedCall } = {
      markedCall: (realm: unknown, error: unknown, trace: NodeJS.CallSite[]) =>
        prepareStackTraceCallback(realm, error, ownStacks.now ? trace : withoutOurs(trace, error)),
    };
    const { setPrepareStackTraceCallback: setPrepare } = internals.internalBinding('errors');
    setPrepare(markedCall);
    onLeave(() => setPrepare(prepareStackTraceCallback));
  } catch {
    // As without.
  }
}

/** The frames of a stack that are not this file's; the same list if it has none of them. */
function withoutOurs(trace: NodeJS.CallSite[], error: unknown): NodeJS.CallSite[] {
  try {
    let ours = 0;
    for (let i = 0; i < trace.length; i++) if (isOurs(trace[i]!)) ours++;
    if (ours === 0) return trace;
    const theirs: NodeJS.CallSite[] = [];
    for (let i = 0; i < trace.length; i++) if (!isOurs(trace[i]!)) theirs[theirs.length] = trace[i]!;
    if (isOurs(trace[withFile(trace)]!)) thrownThroughUs(error, theirs[withFile(theirs)]);
    return theirs;
  } catch {
    return trace;
  }
}

/** The innermost frame that is no built-in: V8 reports what a built-in throws at that one. */
function withFile(trace: readonly NodeJS.CallSite[]): number {
  let at = 0;
  while (at < trace.length - 1 && !fileIn(trace[at]!)) at++;
  return at;
}

let fileOf: NodeJS.CallSite['getFileName'] | null = null;

function isOurs(site: NodeJS.CallSite): boolean {
  return fileIn(site) === __filename;
}

function fileIn(site: NodeJS.CallSite): unknown {
  // The same for all: kept from before the program could replace it.
  fileOf ??= site.getFileName;
  return apply(fileOf, site, []);
}
