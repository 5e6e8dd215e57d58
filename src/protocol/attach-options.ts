/** What whoever loads the agent into a running process hands to it: at `globalThis[Symbol.for(ATTACH_KEY)]`, for as long as it is loaded. */
export const ATTACH_KEY = 'evdiag.attach';

export interface AttachOptions {
  /** Variables EVDIAG_* that count instead of those of the process. */
  env: Record<string, string>;
  /** It leaves when nobody has been connected to its socket for so long; null: it stays. */
  aloneMs: number | null;
  /** It leaves after this time; null: it stays. */
  forMs: number | null;
  /** Whether a recording is written. */
  record: boolean;
  /** A folder that holds nothing but the agent's files, which were written for it: it is removed when the agent leaves. Null: none. */
  uploaded: string | null;
}
