/** A heap snapshot that the agent has written. */
export interface WrittenSnapshot {
  file: string;
  takenAtMs: number;
  pauseMs: number;
}
