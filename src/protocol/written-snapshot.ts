/** A heap snapshot that the agent has written. */
export interface WrittenSnapshot {
  file: string;
  takenAtMs: number;
  pauseMs: number;
  /** Whose heap it is; older agents know only the main thread's and do not say so. */
  threadId?: number;
}

export interface SnapshotRequest {
  /** The main thread's, if it is not given. */
  threadId?: number;
}
