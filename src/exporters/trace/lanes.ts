import type { Frame } from '../../recording/types.ts';
import { isProgram, placeOf, STARTERS, sortOf } from './labels.ts';
import type { Operation, Operations, Run } from './operation.ts';
import { fullPlace } from './text.ts';

/** A lane: an operation from its start to its end, in µs. */
export interface Lane {
  operation: Operation;
  startUs: number;
  endUs: number;
  /** At the end of the capture it was still open; `unknown` if the events that would show it were lost. */
  end: 'ended' | 'open' | 'unknown';
}

/** Shorter operations took no noticeable time. */
const LEAST_US = 1000;
/** For a promise whose stack was not taken: most of these are made by packages within one call. */
const LEAST_UNPLACED_US = 100_000;
/** A promise and what settles it are made one after the other. */
const WRAPPED_US = 1000;
/** Done when their callback has run; Node reports their end when they are collected as garbage. */
const REQUESTS = /^FSREQ|REQ$|REQWRAP$|^(WRITE|SHUTDOWN|TCPCONNECT|PIPECONNECT|UDPSEND)WRAP$|^(TickObject|Immediate)$/;
/** The closing of a file is not reported. */
const ENDLESS = new Set(['FILEHANDLE']);
/** Made by Node in thousands for its own purposes: they have a lane only if the program itself started them. */
const PASSING = new Set(['Timeout', 'Immediate', 'TickObject', 'Microtask']);

/** One lane for each operation of the program that took noticeable time, in the order of their starts. */
export function lanesOf({ operations, endUs }: Operations): Lane[] {
  const isOuter = createOuter();
  const lanes = operations.flatMap((operation): Lane[] => {
    const { isOld, isPromise, type, startUs } = operation;
    if (isOld || ENDLESS.has(type)) return [];
    if (isPromise ? !isCall(operation, isOuter) : PASSING.has(type) && !isStartedByProgram(operation)) return [];
    const { endUs: atUs, end } = endOf(operation, endUs);
    const leastUs = isPromise && !operation.site ? LEAST_UNPLACED_US : LEAST_US;
    return atUs - startUs >= leastUs ? [{ operation, startUs, endUs: atUs, end }] : [];
  });
  return withoutWrappers(lanes);
}

function endOf(operation: Operation, endUs: number): Pick<Lane, 'endUs' | 'end'> {
  const { goneUs, lostUs, runs } = operation;
  const last = runs.at(-1);
  if (last && (REQUESTS.test(operation.type) || isTimeout(operation))) return { endUs: last.endUs, end: 'ended' };
  if (goneUs !== null) return { endUs: goneUs, end: 'ended' };
  return lostUs === null ? { endUs, end: 'open' } : { endUs: Math.max(lostUs, last?.endUs ?? 0), end: 'unknown' };
}

/** It runs once, and is reported as destroyed some time later; an interval is when it is cleared. */
function isTimeout({ type, site }: Operation): boolean {
  return type === 'Timeout' && site?.some(({ function: name }) => name === 'setTimeout') === true;
}

/**
 * One lane represents an async call: its own promise. What is awaited in it, and reacts to it, is part of it, and so are the
 * promises by which Node's own functions do what they were called for.
 */
function isCall(operation: Operation, isOuter: (operation: Operation) => boolean): boolean {
  const { isDerived, parent, site } = operation;
  if (isDerived) return parent === null && isDirect(operation);
  return site === null || (isDirect(operation) && isOuter(operation));
}

/** Called by the program, not by what Node does with the help of `await`. */
function isDirect(operation: Operation): boolean {
  const frame = placeOf(operation);
  if (!frame || frame.awaits) return false;
  // An await belongs to the function that it is in.
  return sortOf(operation) !== 'await' || operation.site![0] === frame;
}

function isStartedByProgram({ site, type }: Operation): boolean {
  if (!site) return type === 'Timeout';
  const first = site.find(({ file }) => file !== '' && !STARTERS.test(file));
  return first !== undefined && isProgram(first);
}

/** Of the promises that Node makes while one line of the program calls it, the first is that of the call. */
function createOuter(): (operation: Operation) => boolean {
  let maker: Run | null = null;
  let place: Frame | null = null;
  let head: Frame[] | null = null;
  return (operation) => {
    const { site } = operation;
    const frame = placeOf(operation);
    const isSame = operation.maker === maker && fullPlace(frame) === fullPlace(place);
    maker = operation.maker;
    place = frame;
    if (isSame && site !== head && isWithinNode(operation)) return false;
    head = site;
    return true;
  };
}

function isWithinNode({ site }: Operation): boolean {
  return site!.find(({ file }) => file !== '')?.category === 'node';
}

/** A promise that is settled by a timer or request that was started for it is the same thing again. */
function withoutWrappers(lanes: Lane[]): Lane[] {
  const kept = new Set(lanes.map(({ operation }) => operation));
  return lanes.filter(({ operation }) => {
    const other = operation.settler?.operation;
    const isWrapper = operation.isPromise && sortOf(operation) !== 'call';
    if (!isWrapper || !other || other.isPromise || !kept.has(other) || other.maker !== operation.maker) return true;
    return Math.abs(other.startUs - operation.startUs) > WRAPPED_US;
  });
}
