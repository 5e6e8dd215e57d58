/** What an observed thread answers when it is interrupted. */

import { executionAsyncId, triggerAsyncId } from 'node:async_hooks';
import { performance } from 'node:perf_hooks';
import type {
  Depth,
  InterruptedStack,
  Json,
  RecentFrame,
  RecentStack,
  StackQuestion,
} from '../../src/protocol/thread-api.ts';
import type { Work } from '../../src/recording/rows/work.ts';
import {
  apply,
  defineProperty,
  getOwnPropertyDescriptor,
  NativeError,
  NativeMap,
  NativeNumber,
  process,
  toJson,
} from '../primordials.ts';
import { FRAME_LIMIT, type RawFrame, RECENT_FRAME_LIMIT } from '../shared-memory.ts';
import { waitingResources } from '../waiting.ts';
import { microtaskTurns } from './microtask-turns.ts';
import { queueDrains } from './queue-drains.ts';
import {
  type CallSiteBeyondTypes,
  isNotOurs,
  NAME_LIMIT,
  restore,
  takenNow,
  toFrame,
  toFrames,
  URL_LIMIT,
  urlOf,
  withCallSites,
} from './stack.ts';
import { currentWork, GIVES_DATA, HANDS_OVER, type WorkItem } from './work/current.ts';

/** Deep enough for what Node's default stack holds (about 11 000 frames), and for as many calls that await. */
const DEPTH_LIMIT = 25_000;
const hrtime = process.hrtime.bigint;

/**
 * While V8 formats a stack (`error.stack` through source maps takes long), it does not call the formatter for another one, but gives
 * its text: read the same frames from that.
 */
function writtenFrames(): RawFrame[] {
  const oldLimit = getOwnPropertyDescriptor(NativeError, 'stackTraceLimit');
  try {
    defineProperty(NativeError, 'stackTraceLimit', { value: FRAME_LIMIT, writable: true, configurable: true });
    const { stack } = takenNow();
    return typeof stack === 'string' ? framesOf(stack) : [];
  } catch {
    return [];
  } finally {
    restore('stackTraceLimit', oldLimit);
  }
}

const FRAME = '    at ';
const AWAITS = 'async ';

/** Without a regular expression, as below. */
function framesOf(text: string): RawFrame[] {
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith(FRAME)) return [];
    const rest = line.slice(FRAME.length);
    const awaits = rest.startsWith(AWAITS);
    const open = rest.endsWith(')') ? rest.lastIndexOf(' (') : -1;
    const name = open < 0 ? '' : bareName(rest.slice(awaits ? AWAITS.length : 0, open));
    const place = open < 0 ? rest.slice(awaits ? AWAITS.length : 0) : rest.slice(open + 2, -1);
    const column = place.lastIndexOf(':');
    const row = place.lastIndexOf(':', column - 1);
    const url = row < 0 ? null : place.slice(0, row);
    // Neither this bundle nor the watchdog's script.
    if (url === __filename || url === '<anonymous>') return [];
    const at: [number, number] =
      url === null ? [0, 0] : [NativeNumber(place.slice(row + 1, column)), NativeNumber(place.slice(column + 1))];
    const frame: RawFrame = [name.slice(0, NAME_LIMIT), url, ...at];
    if (awaits) frame.push(1);
    return [frame];
  });
}

/** "new Rule", "Object.warn [as log]": the function's own name, as a CallSite has it. */
function bareName(text: string): string {
  const alias = text.indexOf(' [as ');
  const full = alias < 0 ? text : text.slice(0, alias);
  const name = full.slice(full.startsWith('new ') ? 'new '.length : 0);
  const own = name.slice(name.lastIndexOf('.') + 1);
  return own === '<anonymous>' ? '' : own;
}

/** How deep the stack is, with everything that awaits it; takes some ms if it is very deep. */
function depthOf(sites: NodeJS.CallSite[]): Depth {
  const counts = new NativeMap<string, { repeated: number; site: NodeJS.CallSite }>();
  for (const site of sites) {
    const key = `${site.getFunctionName()} ${site.getFileName()}`;
    const entry = counts.get(key);
    if (entry) entry.repeated++;
    else counts.set(key, { repeated: 1, site });
  }
  let most = { repeated: 0, site: sites[0]! };
  for (const entry of counts.values()) if (entry.repeated > most.repeated) most = entry;
  return { frames: sites.length, repeated: most.repeated, frame: toFrame(most.site) };
}

/**
 * Whether Node's code runs for the agent, below the frames of the interrupt itself: in a timer of the agent, where the program waits for events.
 * Where anything of the program is on the stack, a wrapper of ours in between is of no interest.
 */
function areAgentsAlone(sites: readonly NodeJS.CallSite[]): boolean {
  let isBelow = false;
  let isAgents = false;
  for (const site of sites) {
    if (!isNotOurs(site)) {
      isAgents ||= isBelow;
      continue;
    }
    isBelow = true;
    const url = urlOf(site);
    if (url !== null && !url.startsWith('node:')) return false;
  }
  return isAgents;
}

const isNodes = (site: NodeJS.CallSite): boolean => urlOf(site)?.startsWith('node:') === true;

/** What the watchdog's `Runtime.evaluate` calls: an `InterruptedStack` as JSON. */
export function interruptedStack(
  count: number,
  { waiting, depth, drains }: StackQuestion,
  nameOf: (item: WorkItem) => Work | null,
): Json<InterruptedStack> {
  let cutOff = false;
  let entered = false;
  let isInHandler = false;
  let isOnData = false;
  const frames = withCallSites(FRAME_LIMIT, undefined, (sites) => {
    cutOff = sites.length >= FRAME_LIMIT;
    const top = sites.find(isNotOurs);
    entered = top !== undefined && urlOf(top) !== null && isEntered(top, toFunction(top));
    for (const site of sites) {
      const name = site.getFunctionName() ?? '';
      isInHandler ||= HANDS_OVER.has(name) && isNodes(site);
      isOnData ||= name === GIVES_DATA && isNodes(site);
    }
    return areAgentsAlone(sites) ? [] : toFrames(sites);
  });
  const answer: InterruptedStack = {
    atMs: NativeNumber(hrtime()) / 1e6,
    entered: entered ? 1 : 0,
    count,
    turns: microtaskTurns(),
    asyncId: executionAsyncId(),
    triggerId: triggerAsyncId(),
    idleMs: performance.nodeTiming.idleTime,
    frames: frames ?? writtenFrames(),
  };
  const work = currentWork({ isInHandler: () => isInHandler, isOnData: () => isOnData });
  const named = work && nameOf(work);
  if (work && named) answer.work = { id: work.id, ...named };
  if (waiting) answer.waiting = waitingResources();
  if (drains) answer.drains = queueDrains();
  if (depth && cutOff) {
    const deep = withCallSites(DEPTH_LIMIT, undefined, (sites) => depthOf(sites.filter(isNotOurs)));
    if (deep) answer.depth = deep;
  }
  return toJson(answer);
}

/**
 * A sample of the last minute, a `RecentStack` as JSON. Only what is on the stack, not what awaits it, and
 * functions by where they begin, as a profile has them.
 */
export function recentStack(): Json<RecentStack> {
  const answer: RecentStack = [performance.nodeTiming.idleTime, 0, [], 0, 0];
  withCallSites(RECENT_FRAME_LIMIT, undefined, (sites) => {
    if (sites.length >= RECENT_FRAME_LIMIT) answer[3] = 1;
    for (const site of sites) {
      if (apply((site as CallSiteBeyondTypes).isAsync, site, [])) return;
      if (!isNotOurs(site)) continue;
      const frame = toFunction(site);
      if (answer[2].push(frame) > 1) continue;
      answer[1] = site.getLineNumber() ?? 0;
      answer[4] = isEntered(site, frame) ? 1 : 0;
    }
  });
  return toJson(answer);
}

/** Before the first instruction of a function, V8 is at its parameters, at most this far after its beginning and its name. */
const KEYWORD_LENGTH = 'function '.length;

function isEntered(site: NodeJS.CallSite, [name, , line, column]: RecentFrame): boolean {
  const ahead = (site.getColumnNumber() ?? 0) - column;
  return site.getLineNumber() === line && ahead >= 0 && ahead <= KEYWORD_LENGTH + name.length;
}

function toFunction(site: NodeJS.CallSite): RecentFrame {
  const url = urlOf(site);
  const name = (site.getFunctionName() ?? '').slice(0, NAME_LIMIT);
  if (url === null) return [name, '', 0, 0];
  const { getEnclosingLineNumber, getEnclosingColumnNumber } = site as CallSiteBeyondTypes;
  const [line, column] = [getEnclosingLineNumber, getEnclosingColumnNumber].map(
    (get) => apply(get, site, []) as number,
  );
  return [name, url.slice(0, URL_LIMIT), line!, column!];
}
