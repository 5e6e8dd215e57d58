import type { Frame, Header, Level } from '../../../src/recording/types.ts';
import type { RawFrame, SharedMemory } from '../../shared-memory.ts';
import type { StackCapture } from '../stack-capture.ts';

/** Who asked. */
export interface Client {
  isGone(): boolean;
  /** Called once, when the connection ends; at once where it has ended. */
  onGone(leave: () => void): void;
  /** Sends a part of the answer and waits until there is room; throws when the client has gone. */
  part(value: unknown): Promise<void>;
}

/** Answers one kind of request of the live socket; an error's first line is what the client gets. */
export type Method = (params: Record<string, unknown>, client: Client) => unknown;

export interface DumpableThread {
  threadId: number;
  shared: SharedMemory;
  capture: StackCapture;
  toFrame(raw: RawFrame): Frame;
}

/** The process that the methods tell of. */
export interface Target {
  header: Header;
  level(): Level;
  uptimeMs(): number;
  mayInspect: boolean;
  /** The main thread first. */
  threads(): DumpableThread[];
  /** Where files may be put for a client. */
  folders: readonly string[];
}
