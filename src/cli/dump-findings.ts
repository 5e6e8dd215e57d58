import type { Dump, DumpFinding } from '../async-dump/dump.ts';
import { judge } from '../detectors/judge.ts';
import type { Finding } from '../detectors/types.ts';
import { fileAndLine } from '../recording/places.ts';
import { readFamily } from '../recording/reader.ts';
import { mergeFindings } from '../report/merge-findings.ts';
import { worstFirst } from '../report/words.ts';

/** In a dump, which is about this moment; the report has all. */
const MOST = 4;

/**
 * The dump with what the rules find in the recording of the process so far: alarms, and what they say about calls that wait now. The dump itself
 * if there is no recording, or it cannot be read.
 */
export function withFindings(dump: Dump, family: string): Dump {
  const findings = findingsSoFar(dump.pid, family).filter(
    (finding) => finding.severity !== 'info' || waits(finding, dump),
  );
  return findings.length === 0 ? dump : { ...dump, findings: findings.sort(worstFirst).slice(0, MOST).map(toShown) };
}

function findingsSoFar(pid: number, family: string): Finding[] {
  try {
    const own = readFamily(family).recordings.filter(({ header }) => header.pid === pid);
    const judged = own.map((recording) => ({ header: recording.header, findings: judge(recording).findings }));
    return judged.length === 1 ? judged[0]!.findings : mergeFindings(judged);
  } catch {
    // Nothing is recorded, or it is gone: what waits is in the dump itself.
    return [];
  }
}

function waits({ location }: Finding, { threads }: Dump): boolean {
  const wanted = location && fileAndLine(location);
  const calls = threads.flatMap(({ suspended }) => suspended?.calls ?? []);
  return calls.some((call) => [call, ...call.awaitedBy].some((place) => fileAndLine(place) === wanted));
}

function toShown({ rule, severity, message, remedy, location }: Finding): DumpFinding {
  return { rule, severity, message, remedy, location };
}
