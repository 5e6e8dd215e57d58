import type { Level } from '../recording/types.ts';

/** Goes up where an older `evdiag` would misread an answer. */
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
  /** Where it writes heap snapshots, and how their names begin: for whoever sees it die meanwhile. */
  files?: { folders: string[]; prefix: string };
}
