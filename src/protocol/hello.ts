import type { Level } from '../recording/types.ts';

/** Raised when an older `evdiag` would misread an answer. */
export const PROTOCOL = 2;

export interface Hello {
  protocol: number;
  pid: number;
  /** Folder that holds the recordings of its family, absolute. */
  family: string;
  /** Redacted. */
  argv: string[];
  evdiagVersion: string;
  nodeVersion: string;
  level: Level;
  uptimeMs: number;
  /** 0 is the main thread. */
  threads: number[];
  /** Where it writes heap snapshots, and how their names begin: a viewer removes them if the process dies meanwhile. */
  files?: { folders: string[]; prefix: string };
}
