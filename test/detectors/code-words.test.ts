import { describe, expect, test } from 'vitest';
import { classify } from '../../agents/watchdog/stall/classify.ts';
import { nameOf } from '../../src/detectors/code-words.ts';
import { blockedEventLoop } from '../../src/detectors/rules/blocked-event-loop.ts';
import { cpuBoundMainThread } from '../../src/detectors/rules/cpu-bound-main-thread.ts';
import { createFrameMapper, type RawFrame } from '../../src/recording/source-maps.ts';
import { deepSample, find, sampled, seconds, stall } from '../support/recording.ts';

const TIMER: RawFrame = ['listOnTimeout', 'node:internal/timers', 581, 17];
const RULE: RawFrame = ['applyRule', '/srv/rules.js', 40, 12];

/** A minute with one stall that these frames explain, innermost first. */
function blockedBy(...raw: RawFrame[]) {
  const frames = raw.map(createFrameMapper());
  const { kind, location } = classify(frames);
  const stacks = [{ weightMs: 900, kind, location, count: 9, frames }];
  const row = stall({ kind, location, stacks, durationMs: 900, cpuMs: 900, waiting: 2 });
  return find(blockedEventLoop, [row])[0]!;
}

describe('code that was compiled while the program ran', () => {
  test('of node:vm without a file name is at the line that runs it', () => {
    const { message, location } = blockedBy(
      ['crunch', 'evalmachine.<anonymous>', 3, 7],
      ['', 'evalmachine.<anonymous>', 9, 1],
      ['runInContext', 'node:vm', 141, 5],
      RULE,
      TIMER,
    );
    expect(location).toMatchObject({ file: '/srv/rules.js', line: 40, function: 'applyRule' });
    expect(message).toContain('in applyRule, which runs code compiled by node:vm (crunch, line 3 of it)');
  });

  test('is at the line that awaits it after its first await', () => {
    const awaits: RawFrame = ['job', '/srv/rules.js', 44, 9, 1];
    const { message, location } = blockedBy(['step', 'evalmachine.<anonymous>', 1, 30], awaits);
    expect(location).toMatchObject({ file: '/srv/rules.js', line: 44 });
    expect(message).toContain('in job, which runs code compiled by node:vm (step, line 1 of it)');
  });

  test('says so where nothing of the program called it', () => {
    const { message, location } = blockedBy(['tick', 'evalmachine.<anonymous>', 1, 30], TIMER);
    expect(location).toMatchObject({ file: 'evalmachine.<anonymous>', line: 1 });
    expect(message).toContain('in tick, in code that node:vm compiled without a file name');
  });

  test('by eval is at the call of eval, also in a chain of them', () => {
    const made = 'eval at outer (eval at applyRule (/srv/rules.js:40:12), <anonymous>:1:1)';
    const { message, location } = blockedBy(
      ['eval', made, 2, 5],
      ['outer', 'eval at applyRule (/srv/rules.js:40:12)', 1, 1],
      RULE,
    );
    expect(location).toMatchObject({ file: '/srv/rules.js', line: 40, column: 12 });
    expect(message).toContain('in code made by eval or new Function');
  });

  test('is named in deep samples as well', () => {
    const frames = [['crunch', 'evalmachine.<anonymous>', 3, 7] as RawFrame, RULE, TIMER].map(createFrameMapper());
    const sample = deepSample({ pairs: 90, turnedPairs: 60, stacks: [sampled(100, frames)] });
    const rows = [...seconds(4, { utilization: 0.95, turnMs: 25 }), sample];
    const [finding] = find(cpuBoundMainThread, rows);
    expect(finding).toMatchObject({ location: { file: '/srv/rules.js', line: 40 } });
    expect(finding!.message).toMatch(
      /^applyRule, which runs code compiled by node:vm \(crunch, line 3 of it\) computed/,
    );
  });
});

test('a function is called by its name, and one of a file without a name what it is', () => {
  expect(nameOf({ function: 'render', file: '/srv/app.js' })).toBe('render');
  expect(nameOf({ function: '', file: '/srv/app.js' })).toBe('an anonymous function');
});
