import { describe, expect, test } from 'vitest';
import { scenarios } from '../../scenarios/index.ts';
import type { Scenario } from '../../scenarios/types.ts';
import {
  alarmPlaces,
  alarms,
  BUSY_RULES,
  guiltyPlaces,
  isToldOtherwise,
  isUnsure,
  runScenario,
} from '../support/scenario.ts';

const RUN_LIMIT_MS = 180_000;

function isFound({ id, level, expect: expectations }: Scenario): void {
  test(
    `${id} broken: ${expectations.map((e) => e.kind).join(', ') || 'nothing'} is found`,
    async ({ skip }) => {
      const run = await runScenario(id, 'broken', { level });
      skip(run.lacks !== null, `needs ${run.lacks}`);
      expect(run).toMatchObject({ exitCode: 0, stderr: '' });
      expect(run.headline).toMatch(new RegExp(`^${id} \\(broken\\): .* took \\d+ ms$`));
      for (const { rule, kind } of expectations) {
        skip(isUnsure(run, rule, kind), 'the host was too busy to judge by that, and the report says so');
        const guilty = alarmPlaces(run, rule, kind).filter((place) => guiltyPlaces(id).includes(place));
        skip(guilty.length === 0 && isToldOtherwise(run, id), 'the host was too busy to tell more than the line');
        expect(guilty, JSON.stringify(run.findings, null, 1)).not.toEqual([]);
      }
      if (expectations.length === 0) expect(alarms(run)).toEqual([]);
    },
    RUN_LIMIT_MS,
  );
}

/** Judged by how busy the loop is, for which it needs a core of its own. */
const isBusy = ({ expect: expectations }: Scenario): boolean => expectations.some(({ rule }) => BUSY_RULES.has(rule));
const atWatch = scenarios.filter(({ level }) => level === undefined);

describe('broken, under the agent', () => {
  atWatch.filter(isBusy).forEach(isFound);
});

// One long block is one on a busy host, too: several at once.
describe.concurrent('broken and blocking, under the agent', () => {
  atWatch.filter((scenario) => !isBusy(scenario)).forEach(isFound);
});

// They wait most of the time: several at once.
describe.concurrent('broken, under the agent at level diagnose', () => {
  scenarios.filter(({ level }) => level === 'diagnose').forEach(isFound);
});

// Several at a time (vitest.config.ts): they must be silent on a busy host too.
describe.concurrent('fixed, under the agent', () => {
  for (const { id, level } of scenarios) {
    test(
      `${id} fixed: silence`,
      async ({ skip }) => {
        const run = await runScenario(id, 'fixed', { level });
        skip(run.lacks !== null, `needs ${run.lacks}`);
        expect(run).toMatchObject({ exitCode: 0, stderr: '' });
        expect(run.headline).toMatch(new RegExp(`^${id} \\(fixed\\): .* took \\d+ ms$`));
        expect(alarms(run)).toEqual([]);
      },
      RUN_LIMIT_MS,
    );
  }
});
