/** What clinic doctor says of one figure; `data` is too little of it. */
export type Issue = 'none' | 'performance' | 'data';

/** What its analysis returns (@clinic/doctor 11, analysis/index.js). */
export interface Analysis {
  /** The part of the recording that it judged, in ms since 1970; null, as JSON has it, if that has no bounds. */
  interval: [number | null, number | null];
  issues: {
    delay: Issue;
    cpu: Issue;
    memory: { external: Issue; rss: Issue; heapTotal: Issue; heapUsed: Issue };
    handles: Issue;
    loopUtilization: Issue;
  };
  issueCategory: 'none' | 'event-loop' | 'gc' | 'io' | 'unknown' | 'data';
}

/** What the process that asks it sends. */
export type Answer = { version: string; analysis: Analysis } | { error: string };

/** What both say of one thing. */
export interface Aspect {
  aspect: 'event loop' | 'memory' | 'I/O';
  theirs: Issue;
  theirWords: string;
  /** Rules of our findings of it. */
  ours: string[];
  ourWords: string;
  agrees: boolean;
  /** Our word on it. */
  word: string;
}

/** Null if it gave no verdict: `failure` says why. */
export interface SecondOpinion {
  by: 'clinic doctor';
  version: string | null;
  category: Analysis['issueCategory'] | null;
  /** The part that it judged, in ms since the start of the recording. */
  span: { fromMs: number; toMs: number } | null;
  sampleCount: number | null;
  aspects: Aspect[];
  failure: string | null;
}
