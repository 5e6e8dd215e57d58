/** What crosses the agent's socket while a dump is taken. */

import type { Frame } from '../recording/types.ts';
import type { Inventory, InventoryFiles } from './inventory.ts';
import type { FailedConnections, OpenHandles, RawTimers } from './open-resources.ts';

/** 'full' also writes a heap snapshot. */
export type DumpMode = 'quick' | 'full';

/** Parameters of the method `dump`. */
export interface DumpRequest {
  mode: DumpMode;
}

export interface Timers extends Omit<RawTimers, 'callback'> {
  callback: Frame;
}

/** Open handles of one type that were made at the same place. */
export interface HandleSite {
  count: number;
  /** Node's name of the resource, such as TCPSERVERWRAP. */
  type: string;
  /** Since the oldest was made. */
  ageMs: number;
  ref: boolean;
  /** The innermost frame of the user's own code, or else of any. */
  place: Frame | null;
}

/** What a thread does; 'no-answer' is a call of native code that does not end, 'ended' a thread that ended while it was asked. */
export type ThreadState = 'idle' | 'running' | 'no-answer' | 'ended';

export interface ThreadPart {
  part: 'thread';
  threadId: number;
  state: ThreadState;
  /** Innermost first; the calls that await follow those on the stack. */
  stack: Frame[];
  /** The synchronous Node call that is running, and where it was made if that is known. */
  syncCall: { name: string; stack: Frame[] } | null;
  timers: Timers[];
  handles: OpenHandles[];
  /** Addresses to which connections fail again and again; absent where there are none. */
  failedConnections?: FailedConnections[];
  /** What this Node leaves out of `handles`, in words; absent if nothing. */
  unlisted?: string;
  /** Distinct timers and handles that are not listed. */
  more: number;
  /** Where open handles were made; empty where that is not recorded (level watch). */
  handleSites: HandleSite[];
  /** Why something is missing; null if nothing is. */
  problem: string | null;
}

/** The frames of the groups that follow, in their order. */
interface FramesPart {
  part: 'frames';
  threadId: number;
  frames: Frame[];
}

interface GroupsPart {
  part: 'groups';
  threadId: number;
  groups: Inventory['groups'];
}

/** The last part of a thread. */
export interface InventoryPart {
  part: 'inventory';
  threadId: number;
  /** Null if there is none; `problem` says why. */
  figures: Omit<Inventory, 'frames' | 'groups'> | null;
  /** Of a full dump; removed when the client goes. */
  files: InventoryFiles | null;
  problem: string | null;
}

interface ProgressPart {
  part: 'progress';
  threadId: number;
  doing: 'stack' | 'calls' | 'heap';
}

export type DumpPart = ThreadPart | FramesPart | GroupsPart | InventoryPart | ProgressPart;
