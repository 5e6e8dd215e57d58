/** How sure a finding is: named levels of evidence, and their words. */

/**
 * Shares of one: the least share of the findings at this level that are right.
 *
 * What a finding is based on, and how often such findings are right. The numbers are compared with what `npm run calibrate`
 * counts (docs/calibration.md): of the findings with 0.9 or more, at least nine of ten were right.
 */
export const CONFIDENCE = {
  /** The recording itself says so: rows that are missing or were dropped. */
  stated: 1,
  /** Node, V8 or the kernel counted each of them, and each names its line: handles, listeners, rejections, lost calls. */
  counted: 0.95,
  /** A synchronous call that is marked while it runs: its kind and place are known, and most of the time was its. */
  marked: 0.95,
  /** Two independent stacks or observations, and most of the time is at one place. */
  agreeing: 0.9,
  /** Figures over time against a limit, or who waits for whom; the line is known. Something else may be the reason. */
  compared: 0.8,
  /** Samples of allocations over time, which name functions rather than lines. */
  sampled: 0.7,
  /** Most of the time is at other places, or it is not known which of several it was. */
  divided: 0.65,
  /** A single stack: where the thread happened to be. */
  single: 0.6,
  /** A figure without a line, or a line that was derived from another one. */
  indirect: 0.6,
  /** The stack came after a native call had ended: what it shows may be what comes next. */
  late: 0.5,
  /** The host delayed the thread most of the time: what is left for the code is a small part of what was measured. */
  held: 0.5,
  /** A figure that has an innocent explanation as well, and no line. */
  weak: 0.4,
  /** Only the clock. */
  unseen: 0.2,
} as const;

/** From here on: "sure". Nine of ten are right. */
export const SURE = 0.9;
/** From here on: "likely". Below: "a guess". */
export const LIKELY = 0.65;

/** For people: the words, and what they mean. */
export const CONFIDENCE_WORDS: readonly string[] = [
  `sure: ${SURE} or more. Counted or marked by name, or several stacks agree: at least nine of ten such findings are right.`,
  `likely: ${LIKELY} or more. Measured against a limit, sampled allocations, or stacks that disagree: check the line first, then its callers.`,
  'a guess: less. A single stack, a stack that came late, an unknown line, or a thread that the host delayed most of the time: record again before you change anything.',
];

export type ConfidenceWord = 'sure' | 'likely' | 'a guess';

export function confidenceWord(confidence: number): ConfidenceWord {
  if (confidence >= SURE) return 'sure';
  return confidence >= LIKELY ? 'likely' : 'a guess';
}
