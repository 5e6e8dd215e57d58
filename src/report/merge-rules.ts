import type { Finding, Outcome, RuleResult } from '../detectors/types.ts';
import { fullThreadName } from '../recording/thread-name.ts';
import type { Header } from '../recording/types.ts';
import { groupBy } from '../util/group-by.ts';
import { plural } from '../util/text.ts';
import { namesText } from './threads.ts';

/** A rule is clear for a family only if it is clear for every thread: no data never counts as healthy. */
const WORST_OUTCOME: readonly Outcome[] = ['found', 'error', 'no-data', 'clear'];

/** Of a rule in all threads: they say much the same, each with its own figures. */
const MAX_UNSEEN = 2;

/** The outcome of a rule for one thread. */
interface Said {
  header: Header;
  result: RuleResult;
}

/** The outcome of each rule over all threads. `findings` are those of the family, after merging. */
export function mergeRules(
  threads: readonly { header: Header; rules: readonly RuleResult[] }[],
  findings: readonly Finding[],
): RuleResult[] {
  const all = threads.flatMap(({ header, rules }) => rules.map((result): Said => ({ header, result })));
  const byRule = groupBy(all, ({ result }) => result.rule);
  return [...byRule].map(([rule, said]) => mergeRule(rule, said, findings));
}

function mergeRule(rule: string, said: readonly Said[], findings: readonly Finding[]): RuleResult {
  const of = (outcome: Outcome) => said.filter(({ result }) => result.outcome === outcome);
  const outcome = WORST_OUTCOME.find((candidate) => of(candidate).length > 0)!;
  const same = of(outcome);
  const found = findings.filter((finding) => finding.rule === rule).length;
  const why = outcome === 'found' ? `${found} found` : same[0]!.result.why;
  const unseen = [...new Set(said.flatMap(({ result }) => result.unseen ?? []))].slice(0, MAX_UNSEEN);
  return {
    rule,
    outcome,
    why: same.length === said.length ? why : `${why} (${sharesText(same, said)})`,
    ...(unseen.length > 0 && { unseen }),
  };
}

/** "2 of 4 threads: main thread of pid 100, worker 2 of pid 100; others: 1 no-data, 1 clear" */
function sharesText(same: readonly Said[], said: readonly Said[]): string {
  const names = namesText(same.map(({ header }) => fullThreadName(header)));
  const counts = WORST_OUTCOME.filter((outcome) => outcome !== same[0]!.result.outcome)
    .map((outcome) => ({ outcome, count: said.filter(({ result }) => result.outcome === outcome).length }))
    .filter(({ count }) => count > 0);
  const others = counts.map(({ outcome, count }) => `${count} ${outcome}`).join(', ');
  return `${same.length} of ${plural(said.length, 'thread')}: ${names}; others: ${others}`;
}
