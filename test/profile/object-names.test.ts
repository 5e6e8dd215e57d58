import { describe, expect, test } from 'vitest';
import { kindOf } from '../../agents/scopes/handle-words.ts';
import { awaitedText, tokens } from '../../src/async-dump/source-text.ts';
import { cancellationWithoutCleanup } from '../../src/detectors/rules/cancellation-without-cleanup.ts';
import { exporters } from '../../src/exporters/index.ts';
import { diffOf } from '../../src/profile/diff.ts';
import { readCpuProfile } from '../../src/profile/read-cpuprofile.ts';
import { readSpeedscope } from '../../src/profile/read-speedscope.ts';
import { GROUPINGS, tableOf } from '../../src/profile/table.ts';
import { memory as memoryTab } from '../../src/tui/state/tabs/memory.ts';
import { profileOf } from '../support/profile.ts';
import { find, location, memory, recordingOf, tempFolder } from '../support/recording.ts';

/** What every object has: a table that is an object finds these where nothing was put. */
const NAMES = ['constructor', 'toString', 'valueOf', 'hasOwnProperty', '__proto__', '__defineGetter__'];

describe('names that every object has are names like others', () => {
  test.each(NAMES)('%s as a function, with and without a file', (name) => {
    const callFrame = { functionName: name, scriptId: '1', url: '', lineNumber: -1, columnNumber: -1 };
    const nodes = [
      { id: 1, callFrame: { ...callFrame, functionName: '(root)' }, children: [2, 3] },
      { id: 2, callFrame, hitCount: 1 },
      { id: 3, callFrame: { ...callFrame, url: `/srv/node_modules/${name}/${name}`, lineNumber: 1 }, hitCount: 2 },
    ];
    const thread = readCpuProfile({ nodes, startTime: 0, endTime: 3000 }, { name });
    expect(thread.frames[0]).toMatchObject({ function: name, category: 'native' });
    const profile = profileOf([thread, thread]);
    for (const grouping of GROUPINGS) {
      expect(tableOf(profile, grouping).all).toBe(6000);
      expect(diffOf(profile, profile, grouping).rows.every(({ selfChange }) => selfChange === 0)).toBe(true);
    }
    for (const { id, write } of exporters)
      if (id !== 'heapprofile' && id !== 'trace-events') expect(write(profile).length).toBeGreaterThan(0);
  });

  test.each(NAMES)('%s as a unit and a thread', (name) => {
    const frames = [{ name }];
    const profiles = [{ type: 'sampled', name, unit: name, samples: [[0]], weights: [7] }];
    expect(readSpeedscope({ shared: { frames }, profiles })).toMatchObject({ unit: 'samples', threads: [{ name }] });
  });

  test.each(NAMES)('%s as a resource that a program names', (name) => {
    expect(kindOf(name)).toBeNull();
    const leftover = { type: name, via: [], location, callers: [], referenced: true, ageMs: 60_000 };
    const aborted = { sinceMs: 0, abortedAt: location, scope: location, leftovers: [leftover, leftover] };
    const rows = [1000, 2000, 3000].map((t) => ({ t, type: 'aborted' as const, ...aborted }));
    for (const { message, remedy } of find(cancellationWithoutCleanup, rows)) {
      expect(`${message} ${remedy}`).not.toContain('undefined');
      expect(`${message} ${remedy}`).not.toContain('native code');
    }
  });

  test.each(NAMES)('%s as a space of the heap that came later', (name) => {
    const spaces = JSON.parse(`{"${name}":5e6}`);
    const recording = recordingOf([memory({ t: 1000, spaces: {} }), memory({ t: 2000, spaces })]);
    const items = memoryTab.items({ chosen: recording } as never);
    for (const item of items) expect(item.cells({ columns: 80 } as never).join(' ')).not.toMatch(/NaN|native code|\?/);
  });

  test.each(NAMES)('%s in a line that is awaited', (name) => {
    const folder = tempFolder({ 'a.js': `await this.${name}(one, two), three;` });
    expect([...tokens(`${name} (`)].map(({ word }) => word)).toEqual([name, '(']);
    expect(awaitedText(`${folder}/a.js`, 1, 1)).toBe(`await this.${name}(one, two)`);
  });
});
