/** The pages of docs/rules, as text: one for each rule, made from the rule's own words, and a list of all. */

import { CONFIDENCE_WORDS } from '../../src/detectors/confidence.ts';
import { needsText } from '../../src/detectors/needs-text.ts';
import { detectors } from '../../src/detectors/rules/index.ts';
import { type Detector, type KindText, limitText } from '../../src/detectors/types.ts';

const generated = (source: string): string => `<!-- Written by "npm run docs" from ${source}. Change it there. -->`;

const COMMAND = /^(\w+=\S+ )*(docker|evdiag|node|npx|taskset) /;

/** File name and text of each page. */
export const rulePages = (): Map<string, string> =>
  new Map([
    ['README.md', rulesPage()],
    ...detectors.map((rule): [string, string] => [`${rule.id}.md`, rulePage(rule)]),
  ]);

function rulePage(rule: Detector): string {
  const { id, title, description, remedy, thresholds, limits, kinds } = rule;
  return blocks(
    generated(`src/detectors/rules/${id}.ts`),
    `# ${id}`,
    `${sentence(title)} ${description}`,
    '## When it is reported',
    thresholds.map((threshold) => `- ${threshold.replace(/^(\w+):/, '**$1**:')}`).join('\n'),
    needsText(rule, (type) => `\`${type}\``),
    ...(limits.length === 0
      ? []
      : ['## What it cannot see', limits.map((limit) => `- ${limitText(limit)}`).join('\n')]),
    ...explainedSection(rule),
    '## What to change',
    remedy,
    ...kinds.flatMap((kind) => kindSection(kind, remedy)),
    '[All rules](README.md) · [severity and confidence](README.md#severity)',
  );
}

function explainedSection({ explains = [] }: Detector): string[] {
  const rules = [...new Set(explains.map(({ rule }) => rule))].sort();
  if (rules.length === 0) return [];
  const links = rules.map((rule) => `[${rule}](${rule}.md)`).join(', ');
  return [
    '## What it can explain',
    `Where these rules find a consequence of it, that is listed under it as a symptom: ${links}.`,
  ];
}

function kindSection({ kind, title, remedy, example }: KindText, ruleRemedy: string): string[] {
  const language = example.startsWith('resources:') ? 'yaml' : COMMAND.test(example) ? 'sh' : 'js';
  return [
    `### Kind \`${kind}\`: ${title}`,
    ...(remedy === ruleRemedy ? [] : [remedy]),
    `\`\`\`${language}\n${example.trimEnd()}\n\`\`\``,
  ];
}

/** The list of all rules, and what they have in common. */
function rulesPage(): string {
  return blocks(
    generated('the rules and scripts/docs/rule-pages.ts'),
    '# Rules',
    'A rule reads a recording and returns findings. `evdiag explain RULE` prints the same text as its page here.',
    `| rule | reports | kinds |\n|---|---|---|\n${detectors.map(listed).join('\n')}`,
    '## Severity',
    'Act on *critical* and *warning*; *info* is context. Start-up, stalls caused by a busy host, and whatever happens while no server, socket or timer is waiting are info.',
    'If one problem explains another at the same function, only the cause is a finding; the other is listed under it as a symptom.',
    'A rule answers `found`, `clear` (it looked and found nothing), `no-data` (the recording lacks what it needs) or `error`.',
    '## Confidence',
    'Each finding says how certain its cause is: rule, kind and line together. Reports for people show the word, JSON has the number (`confidence`). A finding is as certain as the weakest part of its evidence.',
    CONFIDENCE_WORDS.map((words) => `- **${words.replace(': ', '**: ')}`).join('\n'),
    'The numbers are checked against programs whose faults are known: see [calibration](../calibration.md).',
    '## What the rules rest on',
    'Most rules about load judge by seconds without idle time and by deep samples of such seconds. Time in which the thread waited for a core does not count.',
    'Rules about work that never finishes need what is tracked at level `diagnose`; level `watch` tracks it for some seconds after a trigger. Growth is judged after warm-up and against what ends at the same time, so a recording of less than 6 s says nothing about it.',
  );
}

const listed = ({ id, title, kinds }: Detector): string =>
  `| [${id}](${id}.md) | ${title} | ${codes(kinds.map(({ kind }) => kind))} |`;

const codes = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');

const sentence = (fragment: string): string => `**${fragment.charAt(0).toUpperCase()}${fragment.slice(1)}.**`;

const blocks = (...texts: string[]): string => `${texts.join('\n\n')}\n`;
