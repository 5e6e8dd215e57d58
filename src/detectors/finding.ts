import { scoreOf } from './severity.ts';
import type { Detector, Finding } from './types.ts';

/** Where the pages of the rules are. */
const PAGES = 'https://github.com/evdiag/evdiag/blob/main/docs/rules';

export function rulePage(rule: string): string {
  return `${PAGES}/${rule}.md`;
}

type Needed = 'kind' | 'severity' | 'message' | 'location' | 'count' | 'confidence' | 'evidence';
type Optional = 'remedy' | 'stack' | 'startup' | 'span' | 'times' | 'alsoAt' | 'work' | 'waited';

/** What a rule reports about one problem; the rest follows from the rule. */
export interface FindingParts<E extends object> extends Pick<Finding<E>, Needed>, Partial<Pick<Finding<E>, Optional>> {
  /** How much time it cost, in ms, or a figure as large: for the score. */
  lostMs: number;
}

/** The one way to make a finding. The remedy is that of its kind, or that of the rule. */
export function findingOf<E extends object>(
  rule: Pick<Detector<E>, 'id' | 'kinds' | 'remedy'>,
  parts: FindingParts<E>,
): Finding<E> {
  const { kind, severity, message, location, count, confidence, evidence } = parts;
  return {
    rule: rule.id,
    severity,
    score: scoreOf(severity, parts.lostMs),
    kind,
    message,
    remedy: parts.remedy ?? rule.kinds.find((text) => text.kind === kind)?.remedy ?? rule.remedy,
    url: rulePage(rule.id),
    location,
    stack: parts.stack ?? [],
    count,
    confidence,
    startup: parts.startup ?? false,
    span: parts.span ?? null,
    times: parts.times ?? null,
    alsoAt: parts.alsoAt ?? [],
    work: parts.work ?? [],
    waited: parts.waited ?? [],
    threads: [],
    threadCount: 1,
    symptoms: [],
    evidence,
  };
}

/** The fragments without the absent ones. */
export function fragments(...parts: readonly (string | number | false | null | undefined)[]): string[] {
  return parts.filter((part) => typeof part === 'string');
}

/** Whether a finding is of a rule: its evidence is then known. */
export function isOf<E extends object>(
  finding: Finding,
  rule: Pick<Detector<E>, 'id' | 'words'>,
): finding is Finding<E> {
  return finding.rule === rule.id;
}
