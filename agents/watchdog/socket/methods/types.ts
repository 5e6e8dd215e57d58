import type {
  FailureCode,
  MethodName,
  ParamsOf,
  PartOf,
  ResultOf,
  Unchecked,
} from '../../../../src/protocol/methods.ts';
import type { Frame, Header, Level, Row } from '../../../../src/recording/types.ts';
import type { Inspection } from '../../../inspection.ts';
import type { RawFrame, SharedMemory } from '../../../shared-memory.ts';
import type { TraceMemory } from '../../../shared-trace.ts';
import type { LoadedMaps } from '../../loaded-maps.ts';
import type { ThreadClocks } from '../../platform/off-cpu.ts';
import type { StackCapture } from '../../platform/stack-capture.ts';
import type { RecentStacks } from '../../recent/recent-stacks.ts';
import type { MarkedCalls } from '../../stall/marked-calls.ts';

/** The client, which gets parts of the answer. */
export interface Client<Part> {
  isGone(): boolean;
  /** Called once, when the connection ends; at once if it has ended. */
  onGone(leave: () => void): void;
  /** Sends a part of the answer and waits until there is room; throws when the client has disconnected. */
  part(value: Part): Promise<void>;
}

/** Answers one kind of request of the live socket. The client gets the first line of an error and its `failure`. */
export type Method<Name extends MethodName> = (
  params: Unchecked<ParamsOf<Name>>,
  client: Client<PartOf<Name>>,
) => ResultOf<Name> | Promise<ResultOf<Name>>;

/** As the socket calls it, without types: each method checks its own parameters. */
export type AnyMethod = (params: Record<string, unknown>, client: Client<unknown>) => unknown;

export type MethodTable = { [Name in MethodName]: Method<Name> };

/** Why a request fails, for clients that act on it. */
export class RequestError extends Error {
  constructor(
    message: string,
    readonly failure: FailureCode,
  ) {
    super(message);
  }
}

export interface DumpableThread {
  threadId: number;
  shared: SharedMemory;
  capture: StackCapture;
  toFrame(raw: RawFrame): Frame;
  maps: LoadedMaps;
  marks: MarkedCalls;
  /** There is one sampler of allocations per thread: the agent does not use it while it is held. */
  sampling: { hold(held: boolean): void };
  clocks: ThreadClocks;
  /** What it did in the last minute; null if that is not kept. */
  recent: RecentStacks | null;
  /** Where its operations are written, once a capture has begun. */
  tracing: { memory: TraceMemory | null };
}

export interface ObservedThread {
  header: Header;
  /** Of its recording; null if none is written. */
  folder(): string | null;
  /** Those kept in memory. */
  rows(): Row[];
}

/** The process that the methods serve. */
export interface Target {
  header: Header;
  /** Folder of the family of processes, absolute. */
  family: string;
  level(): Level;
  /** For all threads, from now on. */
  setLevel(level: Level): void;
  uptimeMs(): number;
  /** The agent leaves; see `Departure`. */
  leave(): Promise<number[]>;
  isLeaving(): boolean;
  /** How many are connected. */
  visitors(): number;
  inspection: Inspection;
  /** Options of Node, and "coverage" where that is measured. */
  flags: string;
  /** The agent came when the process was running. */
  isAttached: boolean;
  /** The setting EVDIAG_RECENT. */
  keepsRecent: boolean;
  /** The main thread first. */
  threads(): DumpableThread[];
  /** What is recorded of each thread, the main thread first. */
  observed(): ObservedThread[];
  /** Calls back for each recorded row, until the returned function is called. */
  onRow(listener: (threadId: number, row: Row) => void): () => void;
  /** Where files may be put for a client. */
  folders: readonly string[];
}
