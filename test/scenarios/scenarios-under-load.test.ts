import { describe, expect, test } from 'vitest';
import { scenarios } from '../../scenarios/index.ts';
import { alarmPlaces, alarms, besideBurner, canPin, guiltyPlaces, runScenario } from '../support/scenario.ts';

const RUN_LIMIT_MS = 60_000;

describe.skipIf(!canPin)('beside a busy process on another core', () => {
  for (const { id, expect: expectations } of scenarios) {
    test(
      `${id} broken: the guilty line and its kind are named`,
      async ({ skip }) => {
        const run = await besideBurner(1, () => runScenario(id, 'broken'));
        skip(run.lacks !== null, `needs ${run.lacks}`);
        for (const { rule, kind } of expectations) {
          const guilty = alarmPlaces(run, rule, kind).filter((place) => guiltyPlaces(id).includes(place));
          expect(guilty, JSON.stringify(run.findings, null, 1)).not.toEqual([]);
        }
        if (expectations.length === 0) expect(alarms(run)).toEqual([]);
      },
      RUN_LIMIT_MS,
    );

    test(
      `${id} fixed: silence`,
      async ({ skip }) => {
        const run = await besideBurner(1, () => runScenario(id, 'fixed'));
        skip(run.lacks !== null, `needs ${run.lacks}`);
        expect(alarms(run)).toEqual([]);
      },
      RUN_LIMIT_MS,
    );
  }
});

// Half of the core is somebody else's: kinds may blur into `host`, but no line may be blamed that is not guilty.
describe.skipIf(!canPin)('beside a busy process on the same core', () => {
  for (const { id, expect: expectations } of scenarios) {
    test(
      `${id} broken: the guilty line is named`,
      async ({ skip }) => {
        const run = await besideBurner(0, () => runScenario(id, 'broken', { core: 0 }));
        skip(run.lacks !== null, `needs ${run.lacks}`);
        for (const { rule } of expectations) {
          const guilty = alarmPlaces(run, rule).filter((place) => guiltyPlaces(id).includes(place));
          expect(guilty, JSON.stringify(run.findings, null, 1)).not.toEqual([]);
        }
        if (expectations.length === 0) expect(alarms(run)).toEqual([]);
      },
      RUN_LIMIT_MS,
    );

    test(
      `${id} fixed: silence`,
      async ({ skip }) => {
        const run = await besideBurner(0, () => runScenario(id, 'fixed', { core: 0 }));
        skip(run.lacks !== null, `needs ${run.lacks}`);
        expect(alarms(run)).toEqual([]);
      },
      RUN_LIMIT_MS,
    );
  }
});
