import { createHash } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import type { Log, Location as Place, ReportingDescriptor, Result } from 'sarif';
import { CONFIDENCE_WORDS, confidenceWord } from '../detectors/confidence.ts';
import { detectors } from '../detectors/rules/index.ts';
import { type Detector, type Finding, limitText, type Severity } from '../detectors/types.ts';
import type { Location } from '../recording/types.ts';
import { packageVersion } from '../util/package-root.ts';
import { stripControl, toJson } from '../util/text.ts';
import { repositoryPath } from './repository-path.ts';
import type { Report } from './types.ts';
import { evidenceText, symptomsOf, threadsText } from './words.ts';

const LEVEL: Record<Severity, Result.level> = { critical: 'error', warning: 'warning', info: 'note' };
const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';
const HOME = 'https://github.com/evdiag/evdiag';

/** SARIF 2.1.0, as editors and code scanning read it: a result per finding, with its stack. Files inside `root` are named relative to it. */
export function sarifReport(report: Report, root: string): string {
  const log: Log = {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: { name: 'evdiag', version: packageVersion(), informationUri: HOME, rules: detectors.map(ruleOf) },
        },
        columnKind: 'utf16CodeUnits',
        originalUriBaseIds: { SRCROOT: { uri: `${pathToFileURL(root).href.replace(/\/$/, '')}/` } },
        invocations: [{ executionSuccessful: true, startTimeUtc: report.recording.startedAt }],
        results: report.findings.map((finding) => resultOf(finding, root)),
      },
    ],
  };
  return `${toJson(log)}\n`;
}

function ruleOf({ id, title, description, remedy, limits }: Detector): ReportingDescriptor {
  return {
    id,
    name: id,
    shortDescription: { text: title },
    fullDescription: { text: description },
    help: { text: [remedy, ...limits.map(limitText), ...CONFIDENCE_WORDS].join('\n') },
    helpUri: `${HOME}/blob/main/docs/rules/${id}.md`,
  };
}

function resultOf(finding: Finding, root: string): Result {
  const { rule, severity, location, stack, remedy, confidence, kind, score, count } = finding;
  const threads = threadsText(finding);
  const text = [
    finding.message,
    evidenceText(finding).join(' · '),
    ...(threads === null ? [] : [threads]),
    ...symptomsOf(finding).map((symptom) => `Also explains ${symptom}`),
    `Change: ${remedy}`,
  ];
  return {
    ruleId: rule,
    ruleIndex: detectors.findIndex(({ id }) => id === rule),
    level: LEVEL[severity],
    message: { text: text.map(stripControl).join('\n') },
    locations: location === null ? [] : [locationOf(location, root)],
    ...(stack.length > 0 && {
      stacks: [
        { message: { text: 'innermost first' }, frames: stack.map((frame) => ({ location: locationOf(frame, root) })) },
      ],
    }),
    partialFingerprints: { 'evdiag/v1': fingerprintOf(finding, root) },
    properties: { kind, count, confidence, cause: confidenceWord(confidence), score },
  };
}

/** The same problem after lines moved: rule, kind, file and function. */
function fingerprintOf({ rule, kind, location }: Finding, root: string): string {
  const file = location && (repositoryPath(location.file, root) ?? location.file);
  return createHash('sha256')
    .update([rule, kind, file ?? '', location?.function ?? ''].join('\0'))
    .digest('hex')
    .slice(0, 32);
}

function locationOf({ file, line, column, function: name }: Location, root: string): Place {
  const path = repositoryPath(file, root);
  const artifact =
    path === null
      ? { uri: file.startsWith('/') ? pathToFileURL(file).href : encodeURI(stripControl(file)) }
      : { uri: encodePath(path), uriBaseId: 'SRCROOT' };
  return {
    physicalLocation: {
      artifactLocation: artifact,
      // Lines and columns count from 1; a recording of another tool may have none.
      region: { startLine: Math.max(1, line), startColumn: Math.max(1, column) },
    },
    ...(name && { logicalLocations: [{ name: stripControl(name), kind: 'function' }] }),
  };
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
