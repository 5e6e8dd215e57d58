/** What a check came to: `unknown` where this machine did not let it be tried. */
export type CheckState = 'works' | 'fails' | 'unknown';

export interface CheckResult {
  state: CheckState;
  /** A fragment: what was seen, or what was missing. */
  detail: string;
}

/** A program with a known fault, or a question to a running process: does the agent answer as it must? */
export interface Check {
  id: string;
  /** What is proven: "a blocked event loop, and its line". */
  title: string;
  /** A folder of its own to record into. */
  run(folder: string): Promise<CheckResult>;
}

/** Something of the runtime or the machine that evdiag uses if it is there. */
export interface Mechanism {
  id: string;
  isThere: boolean;
  /** What is lost without it. */
  without: string;
}
