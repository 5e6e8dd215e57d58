import { expectedText, loadScenarios } from '../../scenario-list.ts';
import type { Tool } from '../types.ts';

const FIELDS = {} as const;

export const scenarios: Tool<typeof FIELDS> = {
  id: 'scenarios',
  title: 'Example programs',
  description:
    'Lists the example programs of evdiag: each shows one fault and its cure, and which finding it causes. With --allow-actions, "run-scenario" runs one.',
  isAction: false,
  fields: FIELDS,
  async run() {
    const all = await loadScenarios();
    const entries = all.map((scenario) => {
      const lacks = scenario.lacks?.() ?? null;
      return {
        id: scenario.id,
        title: scenario.title,
        causes: expectedText(scenario),
        ...(lacks !== null && { lacks }),
      };
    });
    return { facts: { found: all.length }, entries: { name: 'scenarios', all: entries } };
  },
};
