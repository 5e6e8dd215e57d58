import type { Finding, RuleResult, Severity } from '../detectors/types.ts';
import { SEVERITIES } from '../detectors/types.ts';
import { escapeHtml } from '../util/html.ts';
import { placeText } from '../util/place-text.ts';
import type { Report } from './types.ts';
import { commandText, evidenceText } from './words.ts';

/**
 * A suite of tests for CI servers that read JUnit's XML: a test per rule. It fails if a finding is at least `least`, is skipped if the
 * recording had no data for it, and otherwise passes, with lesser findings as its output.
 */
export function junitReport(report: Report, least: Severity): string {
  const { recording, rules, findings } = report;
  const cases = rules.map((rule) =>
    testCase(
      rule,
      findings.filter((finding) => finding.rule === rule.rule),
      least,
    ),
  );
  const count = (what: string): number => cases.filter(({ outcome }) => outcome === what).length;
  const sums = `tests="${cases.length}" failures="${count('failure')}" errors="${count('error')}" skipped="${count('skipped')}"`;
  const suite = `name="${escapeHtml(`evdiag: ${commandText(recording.argv)}`)}" timestamp="${escapeHtml(recording.startedAt)}" time="${(recording.durationMs / 1000).toFixed(3)}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${sums}>`,
    `  <testsuite ${suite} ${sums}>`,
    ...cases.map(({ xml }) => xml),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

interface TestCase {
  outcome: 'failure' | 'error' | 'skipped' | 'passed';
  xml: string;
}

function testCase({ rule, outcome, why }: RuleResult, findings: readonly Finding[], least: Severity): TestCase {
  const of = (what: TestCase['outcome'], body: string): TestCase => ({
    outcome: what,
    xml: `    <testcase classname="evdiag" name="${escapeHtml(rule)}">${body}</testcase>`,
  });
  const isFailure = ({ severity }: Finding): boolean => SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least);
  const failures = findings.filter(isFailure);
  const first = failures[0];
  if (first) {
    const text = failures.map(findingText).join('\n\n');
    return of(
      'failure',
      `<failure type="${first.severity}" message="${escapeHtml(first.message)}">${escapeText(text)}</failure>`,
    );
  }
  if (outcome === 'error') return of('error', `<error message="${escapeHtml(why)}"/>`);
  if (outcome === 'no-data') return of('skipped', `<skipped message="${escapeHtml(why)}"/>`);
  const output = findings.map(findingText).join('\n\n');
  return of('passed', output && `<system-out>${escapeText(output)}</system-out>`);
}

function findingText(finding: Finding): string {
  const { severity, message, location, remedy, url, stack } = finding;
  return [
    `${severity}: ${message}`,
    ...(location ? [`at ${placeText(location)}`] : []),
    evidenceText(finding).join(' · '),
    `→ ${remedy}`,
    url,
    ...(stack.length > 0 ? ['stack, innermost first:'] : []),
    ...stack.map((frame) => `    ${placeText(frame)}`),
  ].join('\n');
}

/** Line by line: what escapes for attributes takes the breaks for control characters. */
function escapeText(text: string): string {
  return text.split('\n').map(escapeHtml).join('\n');
}
