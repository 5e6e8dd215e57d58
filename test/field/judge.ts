/** Holds what was reported of a program against its answer. Pure. */
import type { Finding } from '../../src/detectors/types.ts';
import type { Answer } from './answers.ts';

type Told = Pick<Finding, 'rule' | 'kind' | 'severity' | 'message' | 'remedy' | 'location' | 'evidence' | 'symptoms'>;

export interface SickVerdict {
  /** A rule of the answer, at its severity. */
  found: boolean;
  /** And such a finding is at a guilty line. */
  located: boolean;
  /** An alarm is at a guilty line, by whatever rule. */
  atLine: boolean;
  /** And such a finding says what it has to. */
  worded: boolean;
  /** `rule/kind line` of what was reported of severity warning or above. */
  told: string[];
  /** Those of them that neither the rules nor the lines of the answer have. */
  beside: string[];
}

export function sickVerdict(
  name: string,
  answer: Answer,
  guilty: readonly number[],
  findings: readonly Told[],
): SickVerdict {
  const alarms = findings.filter(({ severity }) => severity !== 'info');
  const isGuilty = ({ location }: Told): boolean =>
    location?.file.endsWith(`/programs/${name}.cjs`) === true && guilty.includes(location.line);
  const isRight = ({ rule, severity }: Told): boolean =>
    answer.rules.includes(rule) && (answer.severity === 'warning' || severity === 'critical');
  const right = alarms.filter(isRight);
  return {
    found: right.length > 0,
    located: right.some(isGuilty),
    atLine: alarms.some(isGuilty),
    worded: right.some((finding) => saysAll(answer.words, textOf(finding, name))),
    told: alarms.map(shortText),
    beside: alarms.filter((finding) => !isRight(finding) && !isGuilty(finding)).map(shortText),
  };
}

/** Of a cured program every alarm is false. */
export function falseAlarms(findings: readonly Told[]): string[] {
  return findings.filter(({ severity }) => severity !== 'info').map(shortText);
}

function shortText({ rule, kind, location }: Pick<Told, 'rule' | 'kind' | 'location'>): string {
  const place = location === null ? 'nowhere' : `${location.file.split('/').at(-1)}:${location.line}`;
  return `${rule}/${kind} ${place}`;
}

/** What a reader is told, without the program's name: it would say the answer. */
function textOf({ message, remedy, location, evidence, symptoms }: Told, name: string): string {
  const symptomTexts = symptoms.map((symptom) => symptom.message);
  const told = [message, remedy, location?.function ?? '', JSON.stringify(evidence), ...symptomTexts].join('\n');
  return told.replaceAll(name, '');
}

function saysAll(words: readonly string[], text: string): boolean {
  return words.every((word) => new RegExp(word, 'i').test(text));
}
