import { rmSync } from 'node:fs';
import { TargetError } from '../../../attach/target-error.ts';
import { readFamily } from '../../../recording/reader.ts';
import { makeTemporaryFolder } from '../../../util/temporary-folder.ts';
import { launchScenario } from '../../launch-scenario.ts';
import { reportOf } from '../../output.ts';
import { expectedText, findScenario } from '../../scenario-list.ts';
import { asData } from '../as-data.ts';
import { placeWithSource } from '../place.ts';
import type { Tool } from '../types.ts';

const FIELDS = {
  id: { type: 'string', required: true, description: 'Id of a scenario, see the tool "scenarios".' },
  variant: {
    type: 'string',
    choices: ['broken', 'fixed'],
    description: 'The faulty program or its cure. Default: broken.',
  },
} as const;
const MOST = 5;

export const runScenario: Tool<typeof FIELDS> = {
  id: 'run-scenario',
  title: 'Run an example program',
  description:
    'Runs an example program of evdiag under the agent, which takes some seconds, and answers what was found in it.',
  isAction: true,
  fields: FIELDS,
  async run({ id, variant = 'broken' }) {
    const info = await findScenario(id);
    const lacks = info.lacks?.() ?? null;
    if (lacks !== null) throw new TargetError(`${info.id} cannot run here: it needs ${lacks}.`);
    const folder = makeTemporaryFolder('scenario');
    try {
      const { family, exitCode, headline } = await launchScenario(
        info.id,
        variant === 'fixed' ? 'fixed' : 'broken',
        folder,
      );
      const { findings } = reportOf(readFamily(family));
      const all = findings.map(({ severity, rule, kind, message, location, remedy }) => {
        return { severity, rule, kind, what: asData(message), place: placeWithSource(location), remedy };
      });
      const facts = {
        scenario: info.id,
        title: info.title,
        variant,
        shouldCause: expectedText(info),
        printed: headline,
        exitCode,
      };
      return { facts, entries: { name: 'findings', all, most: MOST } };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
