/** The agent's last words on stderr. Bundled into the watchdog: imports words and types only. */
import type { Finding, Judgement } from '../detectors/types.ts';
import type { Recording } from '../recording/types.ts';
import { displayPath, formatMs, stripControl } from '../util/text.ts';
import { placeText, worstFirst } from './words.ts';

const MAX_FINDINGS = 8;

/**
 * Where the recording is, and each finding in two or three lines: what, where, what to change.
 *
 * `path` is null where the recording could not be written.
 */
export function summarize(judgement: Judgement, recording: Recording, { path }: { path: string | null }): string[] {
  const { rules } = judgement;
  const findings = [...judgement.findings].sort(worstFirst);
  const duration = formatMs(recording.durationMs);
  const place = path === null ? null : displayPath(path);
  const lines = [place === null ? `watched for ${duration}, without a recording` : `recorded ${duration} in ${place}`];
  for (const finding of findings.slice(0, MAX_FINDINGS)) lines.push(...findingLines(finding));
  if (findings.length > MAX_FINDINGS) lines.push(`… and ${findings.length - MAX_FINDINGS} more`);
  if (findings.length === 0) {
    const clear = rules.filter(({ outcome }) => outcome === 'clear').length;
    lines.push(
      clear > 0 ? `nothing found; clear: ${clear} of ${rules.length} rules` : 'nothing to say: too little data',
    );
  }
  if (place !== null) lines.push(`more: npx evdiag report ${shellWord(place)}`);
  return lines.map((line) => `evdiag: ${stripControl(line)}`);
}

function findingLines({ severity, message, location, remedy }: Finding): string[] {
  const where = location === null ? [] : [`  at ${placeText(location)}`];
  return [`${severity}: ${message}`, ...where, `  → ${remedy}`];
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
