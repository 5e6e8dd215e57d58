import { type Finding, SEVERITIES, type Severity } from '../../../detectors/types.ts';
import { unseenGroups } from '../../../report/rule-groups.ts';
import { commandText, coverageText, evidenceText, findingsText, symptomsOf, workText } from '../../../report/words.ts';
import { formatMs } from '../../../util/text.ts';
import { reportOf } from '../../output.ts';
import { asData, nameAsData, pathAsData } from '../as-data.ts';
import { LIMIT, PID, RECORDING } from '../fields.ts';
import { placeWithSource, stackLines } from '../place.ts';
import { recordingSource } from '../recording-source.ts';
import type { Tool } from '../types.ts';

const FIELDS = {
  pid: PID,
  recording: RECORDING,
  severity: { type: 'string', choices: SEVERITIES, description: 'Only findings that are at least this severe.' },
  limit: LIMIT,
} as const;
const DEFAULT = 8;
const MOST_FRAMES = 6;
const MOST_SYMPTOMS = 4;
const MOST_UNSEEN = 4;

export const findings: Tool<typeof FIELDS> = {
  id: 'findings',
  title: 'Findings',
  description:
    'What is wrong with a program, the worst first: what blocks the event loop, leaks, never finishes or waits, with file and line, source, evidence, how certain it is, and what to change. Of a running process (pid) or of a recording.',
  isAction: false,
  fields: FIELDS,
  async run({ severity = 'info', limit = DEFAULT, ...given }) {
    const family = await recordingSource(given);
    const report = reportOf(family);
    const { argv, pid, nodeVersion, durationMs, level } = report.recording;
    const from = SEVERITIES.indexOf(severity as Severity);
    const all = report.findings.filter((finding) => SEVERITIES.indexOf(finding.severity) >= from);
    const unseen = unseenGroups(report.rules)
      .slice(0, MOST_UNSEEN)
      .map(({ text }) => asData(text, 300));
    return {
      facts: {
        program: pathAsData(commandText(argv)),
        recording: pathAsData(family.path),
        pid,
        node: nameAsData(nodeVersion),
        recorded: `${formatMs(durationMs)} at level ${level}`,
        found: report.findings.length > 0 ? findingsText(report) : `Nothing found: ${coverageText(report)}`,
        workload: report.workload.class,
        ...(unseen.length > 0 && { notSeenHere: unseen }),
        ...(family.unreadable.length > 0 && { unreadable: family.unreadable.length }),
      },
      entries: { name: 'findings', all: all.map(described), most: limit },
    };
  },
};

function described(finding: Finding): object {
  const { rule, kind, severity, message, remedy, location, stack, symptoms, threads } = finding;
  return {
    severity,
    rule,
    kind,
    what: asData(message),
    place: placeWithSource(location),
    remedy,
    evidence: evidenceText(finding).map((text) => asData(text, 200)),
    ...(workText(finding) !== null && { requests: asData(workText(finding)!, 400) }),
    ...(threads.length > 0 && { threads: threads.slice(0, 4).map(nameAsData) }),
    ...(stack.length > 1 && { stack: stackLines(stack, MOST_FRAMES) }),
    ...(symptoms.length > 0 && {
      alsoExplains: symptomsOf(finding)
        .slice(0, MOST_SYMPTOMS)
        .map((text) => asData(text, 300)),
    }),
  };
}
