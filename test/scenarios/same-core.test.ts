import { describe, expect, test } from 'vitest';
import { scenarios } from '../../scenarios/index.ts';
import {
  alarmPlaces,
  alarms,
  besideBurner,
  canPin,
  guiltyPlaces,
  isToldOtherwise,
  isUnsure,
  onFreeCore,
  runScenario,
} from '../support/scenario.ts';

const RUN_LIMIT_MS = 90_000;

// Half of the core is somebody else's: kinds may blur into `host`, and what is judged by how busy the loop is may not be
// told, which the report then says.
describe.skipIf(!canPin).concurrent('beside a busy process on the same core', () => {
  // Those of level diagnose wait most of the time: what they wait for is as late as the burner lets it be.
  for (const { id, expect: expectations } of scenarios.filter(({ level }) => level === undefined)) {
    test(
      `${id} broken: the guilty line is named, or the contention`,
      async ({ skip }) => {
        const run = await onFreeCore((core) => besideBurner(core, () => runScenario(id, 'broken', { core })));
        skip(run.lacks !== null, `needs ${run.lacks}`);
        for (const { rule, kind } of expectations) {
          const guilty = alarmPlaces(run, rule).filter((place) => guiltyPlaces(id).includes(place));
          const isUnclear = isUnsure(run, rule, kind) || (guilty.length === 0 && isToldOtherwise(run, id));
          if (!isUnclear) expect(guilty, JSON.stringify(run.findings, null, 1)).not.toEqual([]);
        }
        if (expectations.length === 0) expect(alarms(run)).toEqual([]);
      },
      RUN_LIMIT_MS,
    );

    test(
      `${id} fixed: silence`,
      async ({ skip }) => {
        const run = await onFreeCore((core) => besideBurner(core, () => runScenario(id, 'fixed', { core })));
        skip(run.lacks !== null, `needs ${run.lacks}`);
        expect(alarms(run)).toEqual([]);
      },
      RUN_LIMIT_MS,
    );
  }
});
