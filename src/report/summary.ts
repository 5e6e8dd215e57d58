/** The agent's summary on stderr. Bundled into the watchdog: imports only words and types. */

import { confidenceWord } from '../detectors/confidence.ts';
import { fragments } from '../detectors/finding.ts';
import type { Finding, Judgement } from '../detectors/types.ts';
import type { Recording } from '../recording/types.ts';
import { placeText } from '../util/place-text.ts';
import { displayPath, formatMs, plural, stripControl } from '../util/text.ts';
import { mergeFindings } from './merge-findings.ts';
import { threadsText, workText, worstFirst } from './words.ts';

const MAX_FINDINGS = 8;

/** One observed thread: what was recorded, and what the rules found. */
export interface JudgedThread extends Judgement {
  recording: Recording;
}

/**
 * Where the recording is, and each finding in two or three lines: what, where and what it explains, what to change.
 *
 * The main thread comes first. `path` is null if the recording could not be written.
 */
export function summarize(threads: readonly JudgedThread[], { path }: { path: string | null }): string[] {
  const [main] = threads;
  if (!main) return [];
  const { rules } = main;
  const findings = findingsOf(threads).filter(isNews).sort(worstFirst);
  const duration = formatMs(main.recording.durationMs);
  const place = path === null ? null : displayPath(path);
  const lines = [place === null ? `watched for ${duration}, without a recording` : `recorded ${duration} in ${place}`];
  for (const finding of findings.slice(0, MAX_FINDINGS)) lines.push(...findingLines(finding));
  if (findings.length > MAX_FINDINGS) lines.push(`… and ${findings.length - MAX_FINDINGS} more`);
  if (findings.length === 0) {
    const clear = rules.filter(({ outcome }) => outcome === 'clear').length;
    lines.push(clear > 0 ? `nothing found; clear: ${clear} of ${rules.length} rules` : 'too little data to judge');
  }
  if (place !== null) lines.push(`more: npx evdiag report ${shellWord(place)}`);
  return lines.map((line) => `evdiag: ${stripControl(line)}`);
}

function findingsOf(threads: readonly JudgedThread[]): Finding[] {
  if (threads.length === 1) return [...threads[0]!.findings];
  return mergeFindings(threads.map(({ recording, findings }) => ({ header: recording.header, findings })));
}

/** The user has seen that the program was short. */
function isNews({ rule, kind }: Finding): boolean {
  return rule !== 'recording-quality' || kind !== 'little-data';
}

function findingLines(finding: Finding): string[] {
  const { severity, message, remedy } = finding;
  const where = whereText(finding);
  const word = confidenceWord(finding.confidence);
  const doubt = word === 'sure' || severity === 'info' ? '' : ` (${word})`;
  return [`${severity}: ${message}${doubt}`, ...(where === '' ? [] : [`  ${where}`]), `  → ${remedy}`];
}

/** Place, whose work it was and who waited, threads, and what else it is the cause of. */
function whereText(finding: Finding): string {
  const { location, symptoms } = finding;
  return fragments(
    location !== null && `at ${placeText(location)}`,
    workText(finding)?.replace(/^[WS]/, (first) => first.toLowerCase()),
    threadsText(finding)?.replace('Seen', 'seen'),
    symptoms.length > 0 && `explains ${[...new Set(symptoms.map(symptomText))].join(', ')}`,
  ).join('; ');
}

function symptomText({ rule, count, times }: Finding): string {
  return times === null ? rule : `${rule} (${plural(count, 'time')}, up to ${formatMs(times.maxMs)})`;
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
