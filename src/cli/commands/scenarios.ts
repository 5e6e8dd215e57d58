import { hasColor, painter } from '../../util/terminal.ts';
import { jsonOption } from '../options.ts';
import { printJson } from '../output.ts';
import { expectedText, loadScenarios } from '../scenario-list.ts';
import { type CliCommand, EXIT } from '../types.ts';

interface Options {
  json?: boolean;
}

export const scenarios: CliCommand<Options> = {
  id: 'scenarios',
  summary: 'list the example programs, each broken and fixed',
  examples: ['evdiag scenarios', 'evdiag scenarios --json'],
  configure(command) {
    command.addOption(jsonOption());
  },
  async run(_operands, { json }) {
    const all = await loadScenarios();
    if (json) {
      printJson(all.map(({ id, title, description, expect }) => ({ id, title, description, expect })));
      return EXIT.done;
    }
    const paint = painter(hasColor(process.stdout));
    const ids = Math.max(...all.map(({ id }) => id.length));
    const titles = Math.max(...all.map(({ title }) => title.length));
    for (const scenario of all) {
      const { id, title } = scenario;
      const lacking = scenario.lacks?.() ?? null;
      const says = lacking === null ? expectedText(scenario) : `needs ${lacking}`;
      process.stdout.write(`${paint(id.padEnd(ids), 'bold')}  ${title.padEnd(titles)}  ${paint(says, 'dim')}\n`);
    }
    return EXIT.done;
  },
};
