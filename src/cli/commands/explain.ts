import { detectors } from '../../detectors/index.ts';
import type { Detector, KindText } from '../../detectors/types.ts';
import { InputError } from '../../recording/reader.ts';
import { hasColor, type Paint, painter, terminalWidth } from '../../util/terminal.ts';
import { closest, wrap } from '../../util/text.ts';
import { jsonOption } from '../options.ts';
import { printJson } from '../output.ts';
import { type CliCommand, EXIT } from '../types.ts';

interface Options {
  json?: boolean;
}

export const explain: CliCommand<Options> = {
  id: 'explain',
  summary: 'what a rule means, how it is detected, and what to change',
  examples: ['evdiag explain', 'evdiag explain blocked-event-loop', 'evdiag explain blocked-event-loop --json'],
  configure(command) {
    command.argument('[rule]', 'id of a rule; without it, all are listed').addOption(jsonOption());
  },
  run([id], { json }) {
    const paint = painter(hasColor(process.stdout));
    const rule = id === undefined ? null : find(id);
    if (json) printJson(rule === null ? detectors.map(plain) : plain(rule));
    else process.stdout.write(`${(rule === null ? list(paint) : page(rule, paint)).join('\n')}\n`);
    return EXIT.done;
  },
};

function find(id: string): Detector {
  const found = detectors.find((detector) => detector.id === id);
  if (found !== undefined) return found;
  const meant = closest(
    id,
    detectors.map((detector) => detector.id),
  );
  const hint = meant === null ? 'List the rules with "evdiag explain".' : `Did you mean "${meant}"?`;
  throw new InputError(`There is no rule "${id}". ${hint}`);
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
    ...section('What to change', indented(rule.remedy)),
    ...section(
      'Kinds',
      rule.kinds.flatMap((kind, i) => [...(i > 0 ? [''] : []), ...kindLines(kind, paint, indented)]),
    ),
  ];
}

function needsText({ needs }: Detector): string {
  return `From the rows ${needs.join(', ')} of the recording; without them the rule answers no-data.`;
}

function kindLines(kind: KindText, paint: Paint, indented: (text: string, indent?: string) => string[]): string[] {
  const example = kind.example.trimEnd().split('\n');
  return [
    `  ${paint(kind.kind, 'cyan')}: ${kind.title}`,
    ...indented(kind.remedy, '    '),
    ...example.map((line) => `      ${paint(line, 'dim')}`),
  ];
}
