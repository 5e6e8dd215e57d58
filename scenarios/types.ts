/** What a scenario measured, for people: "3 calls took 904 ms". */
export interface Headline {
  what: string;
  value: number;
  unit: string;
}

/** A finding that the broken variant must cause. The guilty line carries the comment `// guilty` in the source. */
export interface Expectation {
  rule: string;
  kind: string;
}

/** A small sick program and its cure. */
export interface Scenario {
  id: string;
  title: string;
  description: string;
  /** Empty for a healthy program. */
  expect: readonly Expectation[];
  /** The level of the agent that sees it at once; absent where `watch` does. */
  level?: 'diagnose';
  /** What this Node.js would need to run it, or null; absent where every supported Node.js can. */
  lacks?(): string | null;
  broken(): Promise<Headline>;
  fixed(): Promise<Headline>;
}
