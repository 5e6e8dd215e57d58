/** What was started and has not ended, or ended badly. */
import type { RowBase } from './header.ts';
import type { Frame, Location } from './places.ts';
import type { Work } from './work.ts';

/** What a thread has started and may not have ended. */
export const UNFINISHED = ['await', 'call', 'reaction', 'promise', 'handle', 'listener'] as const;

/**
 * Things of one kind that were started at one place. Counts are since tracking began; if only one in so many could
 * be followed, they are estimates.
 */
export interface UnfinishedEntry {
  /**
   * `await`: calls suspended at this place. `call`: calls of an async function, whose result is pending. `reaction`: results
   * of then, catch, finally and the combinators that react to another promise. `promise`: others. `handle`: Node's async
   * resources. `listener`: on one emitter and event.
   */
  what: (typeof UNFINISHED)[number];
  /** handle: Node's name of the resource. reaction and promise: the built-in, `race`, `then`, `new`. listener: `emitter`, `event-target` or `abort-signal`. */
  type: string;
  /** listener: class and event. handle: of a Timeout `interval`, `re-armed` (started again by its own callback: one chain, format 1.5) or its delay, "30000 ms", if known. */
  detail: string;
  /** Modules of Node between the place and the thing: net, http, fetch, fs, timers, streams, events … */
  via: string[];
  /** Innermost frame of the user's own code. */
  location: Location | null;
  /** The next frames outwards in the user's own code, those that await included. */
  callers: Location[];
  /** Started after the function had been suspended before; null if not known. */
  resumed: boolean | null;
  created: number;
  ended: number;
  /** Collected as garbage while still pending. */
  lost: number;
  alive: number;
  /** Of those alive, how many are followed themselves; the others are estimated (format 1.4). */
  followed?: number;
  /** Most of them alive at once within the interval. */
  peak: number;
  /** Handles that keep the process alive, of those alive. */
  referenced: number;
  oldestMs: number;
  /** The longest time of those that ended; null if none did. */
  endedMaxMs: number | null;
  /** The shortest time of those that ended within the interval; null if none did (format 1.4). */
  endedLeastMs?: number | null;
  /** Nine of ten that ended took no longer than this, within a factor of two; null if none did (format 1.4). */
  usualMs?: number | null;
  /** All that ended took no longer than this, within a factor of two, but for one in a hundred, or one of fewer; null if no two did (format 1.7). */
  slowMs?: number | null;
  /** Of those that ended, how many had begun after the oldest that is alive. */
  endedSinceOldest: number;
  /** call: made by the user's own code, and nothing reacted to the result when it settled, or 250 ms later. */
  floating: number;
  /** call: floating ones that were rejected. */
  rejected: number;
  /** The package whose code made it, for itself or for its caller; absent for the user's own code (format 1.4). */
  package?: string;
  /** handle: of those alive, how many keep the store of an AsyncLocalStorage, about; only if some do (format 1.5). */
  pinned?: number;
  /** call: the function that is called, at the place where it begins (format 1.5). */
  callee?: Location;
  /** reaction: most of them to one promise. */
  onOne?: number;
  /** await: what made the awaited promise, if that was followed. */
  madeBy: { what: string; type: string; via: string[]; location: Location | null } | null;
  /** The requests and jobs that started some of them, by name; absent if none is known (format 1.6). */
  work?: Work[];
  /** await: the awaited expression, and those awaited before it in the same function, as text; only where one is old. */
  code?: string;
  before?: string[];
  /** await: it is inside a loop of its function, according to the text. */
  loop?: boolean;
}

/** What is followed: all that a thread starts where the budget is enough, else what it starts in windows of time (format 1.2). */
export interface UnfinishedRow extends RowBase {
  type: 'unfinished';
  intervalMs: number;
  /** Since tracking began. */
  trackedMs: number;
  /** Promises made within the interval; where not all was seen, an estimate. */
  promises: number;
  /**
   * Of all that was started since tracking began, what was seen, 0..1: entries count what was seen. Absent in older recordings, where it
   * is 1 (format 1.4).
   */
  seenShare?: number;
  /** Times that nothing was hooked in between: what was open then and has ended counts as ended, when that was is not known (format 1.4). */
  pauses?: number;
  /** Signals aborted since tracking began. */
  aborts: number;
  /** Most connections and requests from outside that were open at once within the interval. */
  inbound: number;
  /**
   * Requests from outside (HTTP/1) of which no answer has begun, at the end of the interval; and those of them whose body is there in part
   * and of which nobody has taken anything since the row before. Only where ten connections or requests are open (format 1.5).
   */
  unanswered?: number;
  unread?: number;
  /** Places that did not fit. */
  dropped: number;
  /** Those with most alive, and those that ended badly. */
  entries: UnfinishedEntry[];
  /** Only if there is something to tell (format 1.7). */
  nested?: NestedAsk[];
}

/** What a limit was asked for within a function that it runs, and what else it was asked for: promises of which some are not settled. */
export interface NestedAsk {
  /** Where its promises are made. */
  limit: Location;
  /** The function that it runs, where that asks again, and where most others ask, with their callers. */
  holder: Location;
  inner: Location;
  outer: Location[];
  within: AskedCounts;
  others: AskedCounts;
}

/** Since tracking began. */
export interface AskedCounts {
  created: number;
  ended: number;
  /** Of those that wait, how many are followed themselves. */
  followed: number;
  oldestMs: number;
  /** Nine of ten took no longer than this, within a factor of two; 0 if none ended. */
  usualMs: number;
}

/**
 * Suspended calls that were found in the heap, as nobody followed them from their beginning: those that an earlier look had found as well.
 * `oldestMs` is since then; what ended meanwhile is not known (format 1.5).
 */
export interface SuspendedRow extends RowBase {
  type: 'suspended';
  entries: UnfinishedEntry[];
}

/** Calls that have waited for some seconds in one chain of awaits (format 1.5). */
export interface WaitingGroup {
  count: number;
  /** Some were followed, or asked for their chain, and stand for the others. */
  estimated?: true;
  oldestMs: number;
  /** Who awaits whom, innermost first: indexes of `frames`. */
  chain: number[];
  /**
   * What made the promise that the innermost awaits, if that was followed: `at` is the innermost place outside of Node, in the
   * package that made it if there is one, and `via` are modules of Node above it.
   */
  made: { what: string; type: string; via: string[]; at: Location | null } | null;
}

export const POOL_STATES = ['unread', 'unanswered', 'read'] as const;

/**
 * An address for which all connections of an http.Agent are taken, while requests wait for one (format 1.5); or those of undici, where no request has
 * got one for some seconds (format 1.7).
 */
export interface HttpPool {
  /** "host:port" */
  name: string;
  /** undici: as many as are taken. */
  max: number;
  taken: number;
  /** 0 where the client does not say: a pool of undici publishes a request once it has a connection. */
  waiting: number;
  /** Requests that were last in the queue and got a connection since the row before, and how long they waited from then on, together (format 1.7). */
  waited?: { count: number; ms: number };
  /** The package whose client it is; absent where that is Node (format 1.7). */
  package?: string;
  /** Where one of those that wait was made (format 1.7). */
  queued?: { location: Location | null; callers: Location[] };
  /**
   * Requests that have a connection. `ms`: since they were seen to have it. `unread`: the answer has begun and nobody takes more of it;
   * `unanswered`: none has begun.
   */
  held: { ms: number; state: (typeof POOL_STATES)[number]; location: Location | null; callers: Location[] }[];
}

/** Who waits for whom, where something has waited for some seconds (format 1.5). */
export interface WaitsRow extends RowBase {
  type: 'waits';
  trackedMs: number;
  frames: Frame[];
  /** The awaited expression of each frame, '' if the source is not available. */
  codes: string[];
  groups: WaitingGroup[];
  pools: HttpPool[];
}

/** `linked`: made by a function that had used the signal. */
export interface Leftover {
  type: string;
  via: string[];
  location: Location | null;
  callers: Location[];
  referenced: boolean;
  ageMs: number;
  linked?: boolean;
}

/** An aborted signal, and what of the same unit of work is still there some time after (format 1.2). */
export interface AbortedRow extends RowBase {
  type: 'aborted';
  sinceMs: number;
  /** Who aborted; null for a time-out. */
  abortedAt: Location | null;
  /** Where the signal was handed out. */
  scope: Location | null;
  leftovers: Leftover[];
}

/** A Promise.all that was rejected while others of its promises were still pending (format 1.2). */
export interface OrphansRow extends RowBase {
  type: 'orphans';
  location: Location | null;
  callers: Location[];
  total: number;
  /** Pending when it was rejected. */
  pending: number;
  /** The part of these that was still pending at the last check, `ranOnMs` later. */
  stillPending: number;
  /** How long the last of them went on, as far as it was followed. */
  ranOnMs: number;
}

/** `swallowed`: the application has a handler; `fatal`: the process ends; `late`: handled later. */
export const REJECTION_KINDS = ['swallowed', 'fatal', 'late'] as const;

/** Rejections that nothing handled, since the last row, by place (format 1.2). */
export interface RejectionRow extends RowBase {
  type: 'rejection';
  kind: (typeof REJECTION_KINDS)[number];
  count: number;
  /** Name of the error's class. */
  error: string;
  /** Where the error was made. */
  location: Location | null;
  /** The call that nobody awaited, if it was followed. */
  call: Location | null;
}
