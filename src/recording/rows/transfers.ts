/** What a thread reads, writes and sends, by place. */
import type { RowBase } from './header.ts';
import type { Location } from './places.ts';

export const FILE_USES = ['read', 'write', 'look'] as const;

/** A place outside of Node; `callers` are the next frames outwards in the user's own code. */
export interface TransferPlace {
  location: Location | null;
  callers: Location[];
}

/** Operations on files by one function of node:fs, called at one place. Where not each was looked at, counts are estimates. */
export interface FileUse extends TransferPlace {
  /** Node's name of the function: "appendFile", "FileHandle.write", "readSync". */
  call: string;
  use: (typeof FILE_USES)[number];
  count: number;
  /** Bytes to read or write, of those where the call says how many: `sized`. */
  bytes: number;
  sized: number;
  /** With a position in the file: not simply the next bytes. */
  positioned: number;
  /** Of the file that was used most: how many, and its name without its folder. */
  sameFile: number;
  file: string | null;
  /** By a path, so that the file is opened each time. */
  opened: number;
}

/** Streams to which one place writes although `write` has returned false and "drain" has not come. */
export interface StreamUse extends TransferPlace {
  /** Class of the largest: Socket, WriteStream … */
  stream: string;
  streams: number;
  /** Writes of the interval that did not wait. */
  ignored: number;
  /** In the buffers of all of them now, and at most within the interval; of the one with most, now. */
  bufferedBytes: number;
  peakBytes: number;
  largestBytes: number;
  /** Streams of objects: what is buffered are objects, not bytes. */
  objects?: true;
}

/** Messages to other threads and processes that took long to send. */
export interface MessageUse extends TransferPlace {
  call: 'postMessage' | 'send';
  count: number;
  /** About: what structured clone or JSON copies. */
  bytes: number;
  /** Of the sending thread, until the message was copied. */
  ms: number;
  maxMs: number;
  maxBytes: number;
}

/** Only where there is something to tell, and once at the beginning (format 1.7). */
export interface TransfersRow extends RowBase {
  type: 'transfers';
  intervalMs: number;
  files: FileUse[];
  /** Files flushed to disk: whoever does that wants each write to be there. */
  flushes: number;
  streams: StreamUse[];
  messages: MessageUse[];
}
