/** What crosses the agent's socket while CPU profiles are taken. */

/** Parameters of the method `cpu-profile`. */
export interface CpuProfileRequest {
  durationMs: number;
  /** Mean time between two samples. */
  intervalUs: number;
  /** V8 may inline functions meanwhile, as it does else; then their time is their callers'. */
  inlining: boolean;
}

/** Of one thread: its profile in pieces of text, then what there is to know of it. */
export type CpuProfilePart =
  /** `threadId` 0 is the main thread. */
  | { part: 'profile'; threadId: number; text: string }
  | {
      part: 'profiled';
      threadId: number;
      /** As it was set: the mean, but for chance. */
      intervalUs: number;
      /** Functions that were optimised before are in it. */
      warmCode: boolean;
      /** Each function has its own time, that of inlined ones as well. */
      apart: boolean;
      /** Null where all went well. */
      problem: string | null;
    };
