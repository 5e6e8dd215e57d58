/** The comparison as a page. Pure. */
import type { Ailment, Said } from './words.ts';

interface Compared {
  name: string;
  ailment: Ailment;
  /** By tool; null where it was not run. */
  said: Record<string, Said | null>;
}

export interface Comparison {
  tools: readonly string[];
  rows: readonly Compared[];
  command: string;
  circumstances: readonly string[];
}

export function comparisonPage({ tools, rows, command, circumstances }: Comparison): string {
  const count = (tool: string, verdict: Said['verdict']): number =>
    rows.filter(({ said }) => said[tool]?.verdict === verdict).length;
  return `${[
    '# Compared on programs from the field',
    '',
    'Ten of the sick [programs from the field](field.md), run with the same load under other tools. Each was used as its README says. blocked-at,',
    'why-is-node-running and wtfnode were loaded together, with the threshold of blocked-at at 100 ms, and the last two asked shortly before the end;',
    'clinic doctor had a run of its own; evdiag’s columns are those of field.md.',
    '',
    '- “the line”: a guilty line of the program is in what the tool said. For blocked-at that is where the operation began.',
    '- “a category”: it said what kind of problem it is: clinic doctor its category, blocked-at that there were blocks, the other two that there are 20 or',
    '  more handles where the problem shows in these. evdiag: a right rule at another line.',
    '- “nothing”: neither. The tools answer different questions: none of the four was made for calls that never end, memory and listeners alike.',
    '',
    'A command writes this page:',
    '',
    `\`${command}\``,
    '',
    ...circumstances.map((line) => `- ${line}`),
    '',
    `| program | kind | ${tools.join(' | ')} |`,
    `|---|---|${tools.map(() => '---|').join('')}`,
    ...rows.map(
      ({ name, ailment, said }) => `| ${name} | ${ailment} | ${tools.map((tool) => cell(said[tool])).join(' | ')} |`,
    ),
    `| the line | | ${tools.map((tool) => `${count(tool, 'the line')} of ${rows.length}`).join(' | ')} |`,
    `| a category | | ${tools.map((tool) => count(tool, 'a category')).join(' | ')} |`,
  ].join('\n')}\n`;
}

function cell(said: Said | null | undefined): string {
  if (!said) return 'not run';
  return said.words === null ? said.verdict : `${said.verdict} (${said.words})`;
}
