/** Reads what `evdiag leaks --json` printed: it comes from other machines, so every field that is used is checked. */
import { readFileSync } from 'node:fs';
import type { LeakReport } from '../leaks/types.ts';
import { parseJson } from '../recording/parse-json.ts';
import { InputError } from '../util/input-error.ts';
import { arrayOf, number, object, oneOf, optional, orNull, string, whole } from '../util/shapes.ts';
import { nodeCode } from '../util/user-error.ts';

const PLACE = orNull(object({ file: string, line: number, column: number, function: string }));
const WORK = object({
  unit: oneOf('request', 'job', 'message', 'pieces'),
  count: number,
  counts: optional(arrayOf(number)),
});
const isReport = object({
  schema: oneOf('evdiag-leaks/1'),
  input: oneOf('snapshot', 'snapshots', 'process', 'recording'),
  snapshots: arrayOf(object({ nodeCount: whole, heapBytes: number, takenAt: orNull(string) })),
  spanMs: orNull(number),
  work: optional(orNull(WORK)),
  judged: optional(arrayOf(string)),
  notes: arrayOf(string),
  suspects: arrayOf(
    object({
      kind: string,
      confidence: oneOf('likely', 'possible'),
      holder: string,
      place: PLACE,
      className: string,
      count: number,
      bytes: number,
      growth: orNull(object({ counts: arrayOf(number), newBytes: arrayOf(number), bytesPerMinute: orNull(number) })),
      message: string,
      remedy: string,
      rule: optional(string),
    }),
  ),
});

/** Throws InputError if the file is something else. */
export function savedReport(path: string): LeakReport {
  let report: unknown;
  try {
    report = parseJson(readFileSync(path));
  } catch (error) {
    const why = error instanceof InputError ? error.message : `it cannot be read (${nodeCode(error)}).`;
    throw new InputError(`"${path}" is no leak report: ${why}`);
  }
  if (isReport(report)) return report as LeakReport;
  throw new InputError(`"${path}" is no leak report: give what "evdiag leaks --json" has printed.`);
}
