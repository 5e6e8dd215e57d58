/** `evdiag leaks --before A --after B`: whether a change has mended what leaked. */
import { compareHunts, type Hunt, incomparable, type LeakComparison } from '../leaks/compare.ts';
import { comparisonHtml } from '../leaks/compare-html.ts';
import { comparisonMarkdown } from '../leaks/compare-markdown.ts';
import { comparisonText } from '../leaks/compare-text.ts';
import { InputError } from '../util/input-error.ts';
import { hasColor, painter, terminalWidth } from '../util/terminal.ts';
import { toJson } from '../util/text.ts';
import { leakReport } from './hunt.ts';
import { huntInput } from './leak-input.ts';
import type { SnapshotOptions } from './take-snapshots.ts';
import { EXIT } from './types.ts';

export interface VerifyOptions extends SnapshotOptions {
  before?: string[];
  after?: string[];
  /** How many there were in each. */
  requests?: readonly [number, number];
  failOn?: 'likely' | 'possible';
}

/** Whether this is asked for. Throws InputError if only half of it is there. */
export function isVerification(operands: readonly string[], { before, after, requests }: VerifyOptions): boolean {
  if (before === undefined && after === undefined) {
    if (requests) throw new InputError('--requests belongs to --before and --after.');
    return false;
  }
  if (before === undefined || after === undefined) {
    throw new InputError('Give both --before and --after: two recordings, or two hunts of evdiag leaks.');
  }
  if (operands.length > 0) throw new InputError(`"${operands[0]}" is one input too many beside --before and --after.`);
  return true;
}

/** Null where the user does not want a process to be paused. Throws InputError and TargetError. */
export async function verifyLeaks(options: VerifyOptions): Promise<LeakComparison | null> {
  const before = await huntOf(options.before!, options, 0);
  const after = before && (await huntOf(options.after!, options, 1));
  if (!before || !after) return null;
  const why = incomparable(before, after);
  if (why !== null) throw new InputError(why);
  return compareHunts(before, after);
}

async function huntOf(operands: readonly string[], options: VerifyOptions, side: 0 | 1): Promise<Hunt | null> {
  const report = await leakReport(huntInput(operands), options);
  const count = options.requests?.[side];
  if (report && count !== undefined) report.work = { unit: 'request', count };
  return report && { input: operands.join(' '), report };
}

/** 1 unless it is shown that nothing of it grows any more. */
export function verificationCode({ suspects }: LeakComparison, failOn: 'likely' | 'possible' = 'possible'): number {
  const isOpen = suspects.some(
    ({ outcome, before, after }) =>
      outcome !== 'gone' && (failOn === 'possible' || (after ?? before)!.confidence === 'likely'),
  );
  return isOpen ? EXIT.found : EXIT.done;
}

/** Throws InputError where there is no such format of a comparison. */
export function comparisonAs(
  format: string,
  comparison: LeakComparison,
  isForTerminal: boolean,
  editor: string,
): string {
  if (format === 'json') return `${toJson(comparison)}\n`;
  if (format === 'markdown') return comparisonMarkdown(comparison);
  if (format === 'html') return comparisonHtml(comparison, editor);
  const paint = painter(isForTerminal && hasColor(process.stdout));
  return comparisonText(comparison, { paint, width: terminalWidth(process.stdout) });
}
