/** What the preload of `evdiag startup` writes into a file. */
export interface MeasuredStartup {
  pid: number;
  argv: string[];
  nodeVersion: string;
  /** `waits`: its loop was idle; `exit`: it has ended; `time`: the time that was asked for is over. */
  reason: 'waits' | 'exit' | 'time';
  /** Since the process began. */
  untilMs: number;
  /** Absolute path of what measured. */
  preload: string;
  /** As V8 hands it out. */
  profile: V8Profile;
  /** URLs: a module, and who imported it first. */
  importedBy: [module: string, by: string][];
}

export interface V8Profile {
  nodes: {
    id: number;
    callFrame: { functionName: string; url: string; lineNumber: number; columnNumber: number };
    children?: number[] | undefined;
  }[];
  samples?: number[] | undefined;
  timeDeltas?: number[] | undefined;
}
