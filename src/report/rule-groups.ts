import { DIAGNOSE_HAS_THEM } from '../detectors/judge.ts';
import type { Outcome, RuleResult } from '../detectors/types.ts';
import { groupBy } from '../util/group-by.ts';
import { plural } from '../util/text.ts';

/** Rules that ended in the same way for the same reason; JSON lists each. */
export interface RuleGroup {
  outcome: Outcome;
  rules: string[];
  why: string;
}

const NEEDS_DIAGNOSE = 'level diagnose (EVDIAG_LEVEL=diagnose, or evdiag run)';

/** In the order of the first of each. */
export function ruleGroups(rules: readonly RuleResult[]): RuleGroup[] {
  const groups = groupBy(rules, ({ outcome, why }) => `${outcome} ${whyOf(why)}`);
  return [...groups.values()].map((of) => ({
    outcome: of[0]!.outcome,
    rules: of.map(({ rule }) => rule),
    why: of.length === 1 ? of[0]!.why : whyOf(of[0]!.why),
  }));
}

/** Which rows they lack, and in which threads, differs. */
function whyOf(why: string): string {
  return why.includes(DIAGNOSE_HAS_THEM) ? NEEDS_DIAGNOSE : why;
}

/** What rules could not see in this recording: each sentence once, with the rules that it concerns. */
export function unseenGroups(rules: readonly RuleResult[]): { rules: string[]; text: string }[] {
  const all = rules.flatMap(({ rule, unseen = [] }) => unseen.map((text) => ({ rule, text })));
  return [...groupBy(all, ({ text }) => text)].map(([text, of]) => ({ rules: of.map(({ rule }) => rule), text }));
}

/** "20 rules need level diagnose (…): async-deadlock, …"; for a single rule only its reason. */
export function groupText({ outcome, rules, why }: RuleGroup): string {
  if (rules.length === 1) return why;
  const how = why === NEEDS_DIAGNOSE ? ` need ${why}` : outcome === 'clear' ? '' : `, ${why}`;
  return `${plural(rules.length, 'rule')}${how}: ${rules.join(', ')}`;
}
