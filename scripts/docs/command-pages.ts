/** The part of docs/commands/ID.md that `evdiag ID --help` prints as well. */

import { Command } from 'commander';
import { commands } from '../../src/cli/commands/index.ts';
import type { CliCommand } from '../../src/cli/types.ts';

const BEGIN = '<!-- Written by "npm run docs" from src/cli/commands. Change it there. -->';
const END = '<!-- end of options -->';
const WIDTH = 110;

/** File names of the pages. */
export const commandPages: readonly string[] = commands.map(({ id }) => `${id}.md`);

/** A page with the command's current options, at its end if it has none yet. */
export function withOptions(page: string, name: string): string {
  const command = commands.find(({ id }) => `${id}.md` === name)!;
  const section = `${BEGIN}\n## Options\n\n\`\`\`text\n${helpOf(command)}\n\`\`\`\n${END}`;
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END);
  if (from < 0 || to < from) return `${page.trimEnd()}\n\n${section}\n`;
  return page.slice(0, from) + section + page.slice(to + END.length);
}

function helpOf({ id, aliases = [], configure }: CliCommand<never>): string {
  const command = new Command(`evdiag ${id}`)
    .configureHelp({ helpWidth: WIDTH })
    .helpOption('-h, --help', 'print help');
  configure(command);
  const help = command.helpInformation().trimEnd();
  return aliases.length === 0 ? help : `${help}\n\nAlso: evdiag ${aliases.join(', ')}`;
}
