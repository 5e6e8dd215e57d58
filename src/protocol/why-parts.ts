/** What keeps a thread alive: what it finds in itself, and what crosses the agent's socket. */
import type { RawFrame } from '../recording/source-maps.ts';
import type { Frame } from '../recording/types.ts';
import type { ThreadState } from './dump-parts.ts';

export const ALIVE_KINDS = [
  'timer',
  'server',
  'connection',
  'socket',
  'udp-socket',
  'pipe',
  'stdin',
  'child-process',
  'worker',
  'message-port',
  'watcher',
  'request',
  'other',
] as const;
export type AliveKind = (typeof ALIVE_KINDS)[number];

/** Equal things that keep a thread alive; `Place` is a position in the generated code, or a frame in the sources. */
export interface AliveThings<Place> {
  kind: AliveKind;
  /** In words: "server on 127.0.0.1:8080". */
  what: string;
  count: number;
  /** Since the oldest was made; null where that is not known. */
  ageMs: number | null;
  /** Where they were made, innermost frame first; empty where that is not known. */
  made: Place[];
  /** What led there in earlier turns, the latest first: stacks without Node's own frames. */
  steps: Place[][];
  /** Functions that they call, and the event or what it is: "callback". */
  calls: { event: string; place: Place }[];
}

export type RawAlive = AliveThings<RawFrame>;

export interface RawWhy {
  things: RawAlive[];
  /** Further ones, which were not looked at. */
  more: number;
  /** Whether what is made is followed from the start (EVDIAG_WHY): then lines and triggers are known. */
  followed: boolean;
  /** Why timers are missing. */
  problem?: string;
}

export interface WhyThreadPart {
  part: 'thread';
  threadId: number;
  state: ThreadState;
  /** Innermost first: what it runs. */
  stack: Frame[];
  things: AliveThings<Frame>[];
  more: number;
  followed: boolean;
  /** Why something is missing; null if nothing is. */
  problem: string | null;
}

export type WhyPart = WhyThreadPart;
