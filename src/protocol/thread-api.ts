/** The agent API: what the watchdog asks of an observed thread, and the answers. */
import type { RawFrame } from '../recording/source-maps.ts';
import type { Work, WorkShare } from '../recording/types.ts';
import type { Inventory, InventoryFiles } from './inventory.ts';
import type { OpenResources } from './open-resources.ts';
import type { RawWhy } from './why-parts.ts';

/**
 * The name by which the watchdog's `Runtime.evaluate` reaches the agent in an observed thread: a constant that is no property of an object, so that no list of the
 * program's shows it. The bundle looks for it first: see scripts/build.mjs.
 */
export const AGENT_NAME = 'evdiagAgent';

/** The script that asks promises who awaits them (probe.ts): no code of the program's. */
export const PROBE_FILE = 'evdiag:probe';

/** The library, without an agent, is asked for its `stack` at `globalThis[Symbol.for(LIBRARY_KEY)]`, while a scope watches for stalls. */
export const LIBRARY_KEY = 'evdiag.stalls';

/** The functions of that constant, by name: their arguments, which are JSON, and their answers. */
interface ThreadCalls {
  stack: { args: [question: StackQuestion]; answer: InterruptedStack };
  recent: { args: []; answer: RecentStack };
  /** `tapOnly`: through hooks that are there already, or not at all. */
  startHooks: { args: [tapOnly: boolean]; answer: null };
  stopHooks: { args: []; answer: null };
  /** Null until they have stopped. */
  hookCounts: { args: []; answer: HookCounts | null };
  /** The creation sites of intervals of a few ms that still run. */
  shortIntervals: { args: []; answer: RawFrame[][] };
  /** Async hooks of the program that are in place; null if there are none. */
  programHooks: { args: []; answer: RawProgramHooks | null };
  dumpEstimate: { args: []; answer: DumpEstimate };
  /** The next dump is a new one; with files, a heap snapshot is part of it. */
  beginDump: { args: [files: InventoryFiles | null]; answer: null };
  /** The next `dump` writes a heap snapshot to this new file, and nothing else. */
  beginSnapshot: { args: [file: string]; answer: null };
  /** Does a piece of the dump at the next turn of the loop, with `now` in this interrupt. */
  dump: { args: [now: boolean]; answer: DumpProgress };
  endDump: { args: []; answer: null };
  resources: { args: []; answer: OpenResources };
  /** Asks for the maps of these files, as they were loaded; they are posted when none of the program's code is running. */
  wantMaps: { args: [urls: readonly string[]]; answer: null };
  /** Where open handles were made; empty where that is not recorded. */
  handleSites: { args: []; answer: RawHandleSite[] };
  /** What keeps the loop of the thread going. */
  why: { args: []; answer: RawWhy };
  /** What is unfinished now is posted when none of the program's code is running. */
  /** `heap`: the suspended calls in the heap as well. */
  lookBack: { args: [heap: boolean]; answer: { asked: true } };
  /** From the next time that the microtask queue is drained, each asynchronous operation is followed. */
  beginTrace: { args: [request: TraceRequest]; answer: null };
  /** Ends it; null if nothing has begun. */
  endTrace: { args: []; answer: TraceEnd | null };
  /**
   * Whose work these are, and who had to wait while the loop was blocked; times in ms of the machine's monotonic clock. `isOwn`: the program did that,
   * not the host, so that the next such stall is to be followed closely. Null if nothing is followed.
   */
  workDuring: {
    args: [fromMs: number, toMs: number, ids: readonly number[], isOwn: boolean];
    answer: WorkDuring | null;
  };
  /** The agent leaves the thread, at the next turn of its loop. */
  leave: { args: []; answer: null };
}

export type ThreadCall = keyof ThreadCalls;
export type ArgsOf<Name extends ThreadCall> = ThreadCalls[Name]['args'];
export type AnswerOf<Name extends ThreadCall> = ThreadCalls[Name]['answer'];

/** A text that is this value as JSON. */
export type Json<Value> = string & { readonly json?: Value };

/** What the observed thread provides. Answers are JSON text; a function without an answer returns nothing. */
export type ThreadApi = {
  [Name in ThreadCall]: (...args: ArgsOf<Name>) => [AnswerOf<Name>] extends [null] ? void : Json<AnswerOf<Name>>;
};

/** What an observed thread answers when it is interrupted. */
export interface InterruptedStack {
  /** The heartbeat's count at that moment. */
  count: number;
  /** How often the microtask queue was seen to be drained since the agent started. */
  turns: number;
  /** Node's id of the callback that is running: equal ids may be the same callback, different ones are not. */
  asyncId: number;
  /** And of the callback that started it; 0 if that was a microtask. */
  triggerId: number;
  /** Time so far that the loop waited for events. */
  idleMs: number;
  /** When it answered, in ms of the machine's monotonic clock. */
  atMs?: number;
  /** 1: the innermost function has not begun to run. */
  entered?: 0 | 1;
  /** Innermost first, at most `FRAME_LIMIT`. */
  frames: RawFrame[];
  /** The request or job that runs, by its number in the thread; absent if it is not known. */
  work?: RunningWork;
  /** Only in the library: the scope that is running, 0 if there is none. */
  scope?: number;
  /** Referenced servers, sockets and timers (less one); only if asked for. */
  waiting?: number;
  /** How often the queues of ticks and microtasks were seen to be empty; only if asked for. */
  drains?: number;
  /** Frames of the whole stack with everything that awaits it, and how many of them are of the most frequent function; only if asked for and `frames` does not hold them all. */
  depth?: Depth;
}

interface RunningWork extends Work {
  id: number;
}

export interface WorkDuring {
  names: [id: number, work: Work][];
  /** Requests that were in progress, or had arrived and could not begin. */
  waited: WorkShare[];
}

export interface Depth {
  frames: number;
  repeated: number;
  /** The frame of the most frequent function. */
  frame: RawFrame;
}

/** A function on the stack, and where it begins in the generated code, 1-based; without a url a built-in of V8. */
export type RecentFrame = [name: string, url: string, line: number, column: number];

/**
 * What a thread answers that is asked for its recent work: how long the loop has waited for events so far, the line that
 * runs in the innermost function, the functions (innermost first), 1 where there are more of them, and 1 where the
 * innermost one has just been entered.
 */
export type RecentStack = [idleMs: number, line: number, frames: RecentFrame[], cutOff: 0 | 1, entered: 0 | 1];

/** What the interrupted thread is asked for in addition to its stack. */
export interface StackQuestion {
  waiting?: boolean;
  depth?: boolean;
  /** Whether what runs was started by what ran before. */
  drains?: boolean;
}

/** What the hooks of a deep sample counted. */
export interface HookCounts {
  wallMs: number;
  cpuMs: number;
  promises: number;
  /** Other async resources created, by type and creation site. */
  resources: { type: string; count: number; sites: { count: number; frames: RawFrame[] }[] }[];
}

/** Async hooks that are in place and not evdiag's own, and where they were enabled, innermost frame first. */
export interface RawProgramHooks {
  /** Instances of AsyncLocalStorage in use, where Node carries them by hooks; the places are a sample. */
  storages: number;
  storagePlaces: { count: number; frames: RawFrame[] }[];
  /** `promises`: it is called for promises as well. */
  hooks: { callbacks: string[]; promises: boolean; frames: RawFrame[] }[];
}

/** Where an open handle was made. */
export interface RawHandleSite {
  type: string;
  ageMs: number;
  ref: boolean;
  /** Of its creation, innermost first. */
  frames: RawFrame[];
}

/** What a dump of the thread depends on. */
interface DumpEstimate {
  heapBytes: number;
}

/** `waits`: nothing was done, because the thread has not returned to its loop; false: there is more to do. */
export type DumpProgress =
  | { waits: boolean }
  | { problem: string }
  | { inventory: Inventory }
  | { snapshot: { pauseMs: number } };

/** A capture of the thread's operations. */
export interface TraceRequest {
  id: number;
  durationMs: number;
}

/** What the observed thread sends at the end: names for what was captured, or why nothing was. */
type TraceEnd = TraceNames | { problem: string };

export interface TraceNames {
  spanMs: number;
  /** By their number in the events. */
  types: string[];
  /** Where things were made, by their number in the events minus one; innermost frame first. */
  sites: RawFrame[][];
}
