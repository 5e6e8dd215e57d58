import type { Finding, Severity } from '../detectors/types.ts';
import { placeText } from '../util/place-text.ts';
import { stripControl } from '../util/text.ts';
import { repositoryPath } from './repository-path.ts';
import type { Report } from './types.ts';
import { coverageText, evidenceText, findingsText } from './words.ts';

const COMMAND: Record<Severity, string> = { critical: 'error', warning: 'warning', info: 'notice' };

/**
 * Workflow commands of GitHub Actions: one annotation per finding, at its line if that is inside `root`, and a last line that sums up.
 * Info stays out: GitHub shows ten annotations of a step and drops the rest.
 */
export function githubReport(report: Report, root: string): string {
  const { findings } = report;
  const shown = findings.filter(({ severity }) => severity !== 'info');
  const sum = findings.length > 0 ? findingsText(report) : `Nothing found: ${coverageText(report)}`;
  return `${[...shown.map((finding) => annotation(finding, root)), `evdiag: ${sum}`].join('\n')}\n`;
}

function annotation(finding: Finding, root: string): string {
  const { location, rule, message, remedy, severity, url } = finding;
  const file = location && repositoryPath(location.file, root);
  const at = file && location ? { file, line: String(location.line), col: String(location.column) } : {};
  const properties = Object.entries({ ...at, title: `evdiag: ${rule}` }).map(
    ([name, value]) => `${name}=${escapeProperty(stripControl(value))}`,
  );
  const elsewhere = location && !file ? [placeText(location)] : [];
  const lines = [message, ...elsewhere, evidenceText(finding).join(' · '), `→ ${remedy}`, url];
  return `::${COMMAND[severity]} ${properties.join(',')}::${escapeData(lines.map(stripControl).join('\n'))}`;
}

/** As the runner decodes it: https://github.com/actions/toolkit/tree/main/packages/core describes the commands. */
function escapeData(text: string): string {
  return text.replace(/%/g, '%25').replace(/\r/g, '%0D').replace(/\n/g, '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replace(/:/g, '%3A').replace(/,/g, '%2C');
}
