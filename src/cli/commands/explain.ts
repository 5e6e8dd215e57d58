import { CONFIDENCE_WORDS } from '../../detectors/confidence.ts';
import { needsText } from '../../detectors/needs-text.ts';
import { detectors } from '../../detectors/rules/index.ts';
import { type Detector, type KindText, limitText } from '../../detectors/types.ts';
import { hasColor, type Paint, painter, terminalWidth } from '../../util/terminal.ts';
import { wrap } from '../../util/text.ts';
import { meantRule } from '../meant-rule.ts';
import { jsonOption } from '../options.ts';
import { printJson } from '../output.ts';
import { type CliCommand, EXIT } from '../types.ts';

interface Options {
  json?: boolean;
}

export const explain: CliCommand<Options> = {
  id: 'explain',
  summary: 'explain a rule or a kind of finding: what it means, how it is detected, what to change',
  examples: [
    'evdiag explain',
    'evdiag explain blocked-event-loop',
    'evdiag explain sync-database                 explains a kind of finding',
    'evdiag explain blocked-event-loop --json',
  ],
  configure(command) {
    command
      .argument('[rule]', 'id of a rule or kind, or an unambiguous prefix; lists all rules if omitted')
      .addOption(jsonOption());
  },
  run([id], { json }) {
    const paint = painter(hasColor(process.stdout));
    if (id === undefined) {
      if (json) printJson(detectors.map(plain));
      else write(list(paint));
      return EXIT.done;
    }
    const name = meantRule(id);
    const rule = detectors.find((detector) => detector.id === name);
    const uses = detectors.flatMap(({ id: ruleId, kinds }) =>
      kinds.filter(({ kind }) => kind === name).map((text): Use => ({ rule: ruleId, ...text })),
    );
    if (json) printJson(rule ? plain(rule) : { kind: name, rules: uses.map(({ kind: _, ...use }) => use) });
    else write(rule ? page(rule, paint) : kindPage(uses, paint));
    return EXIT.done;
  },
};

/** A kind of one rule. */
interface Use extends KindText {
  rule: string;
}

function write(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

function plain({ detect: _, ...words }: Detector): Omit<Detector, 'detect'> {
  return words;
}

function list(paint: Paint): string[] {
  const column = Math.max(...detectors.map(({ id }) => id.length));
  return detectors.map(({ id, title }) => `${paint(id.padEnd(column), 'bold')}  ${title}`);
}

function page(rule: Detector, paint: Paint): string[] {
  const width = terminalWidth(process.stdout);
  const indented = (text: string, indent = '  ') => wrap(text, width - indent.length).map((line) => indent + line);
  const section = (title: string, lines: string[]) => (lines.length === 0 ? [] : ['', paint(title, 'bold'), ...lines]);
  return [
    `${paint(rule.id, 'bold', 'cyan')}: ${rule.title}`,
    ...section('What it means', indented(rule.description)),
    ...section('How it is detected', indented(needsText(rule))),
    ...section(
      'Thresholds',
      rule.thresholds.flatMap((threshold) => indented(threshold)),
    ),
    ...section(
      'What it cannot see',
      rule.limits.flatMap((limit) => indented(limitText(limit))),
    ),
    ...section(
      'How sure it is',
      CONFIDENCE_WORDS.flatMap((text) => indented(text)),
    ),
    ...section('What to change', indented(rule.remedy)),
    ...section(
      'Kinds',
      rule.kinds.flatMap((kind, i) => [...(i > 0 ? [''] : []), ...kindLines(kind, paint, indented)]),
    ),
  ];
}

/** For each rule that has it. */
function kindPage(uses: readonly Use[], paint: Paint): string[] {
  const width = terminalWidth(process.stdout);
  const indented = (text: string, indent = '  ') => wrap(text, width - indent.length).map((line) => indent + line);
  return uses.flatMap((use, i) => [
    ...(i > 0 ? [''] : []),
    ...kindLines(use, paint, indented).map((line, at) => (at === 0 ? line.trimStart() : line)),
    '',
    paint(`  A kind of ${use.rule}: "evdiag explain ${use.rule}" says how it is detected.`, 'dim'),
  ]);
}

function kindLines(kind: KindText, paint: Paint, indented: (text: string, indent?: string) => string[]): string[] {
  const example = kind.example.trimEnd().split('\n');
  return [
    `  ${paint(kind.kind, 'cyan')}: ${kind.title}`,
    ...indented(kind.remedy, '    '),
    ...example.map((line) => `      ${paint(line, 'dim')}`),
  ];
}
