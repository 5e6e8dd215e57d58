import { statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRecorded, recordedProfiles } from '../../src/cli/live/recorded-profiles.ts';
import { writeProfile } from '../../src/cli/profile/write-profile.ts';
import { profileOf, stacksOf, threadOf } from '../support/profile.ts';
import { header, recordingOf, seconds, tempFolder } from '../support/recording.ts';

/** As V8 writes it: 20 ms of a function. */
function v8Profile(startMs: number): string {
  const callFrame = { functionName: '(root)', scriptId: '0', url: '', lineNumber: -1, columnNumber: -1 };
  const nodes = [
    { id: 1, callFrame, children: [2] },
    { id: 2, callFrame: { ...callFrame, functionName: 'work', url: '/srv/app.js', lineNumber: 3, columnNumber: 0 } },
  ];
  const startTime = startMs * 1000;
  return JSON.stringify({ nodes, startTime, endTime: startTime + 20_000, samples: [2], timeDeltas: [0] });
}

test('profiles go with the recording’s clock where theirs is the same; the newest is first', () => {
  const path = tempFolder({
    'own.cpuprofile': v8Profile(header.startMonotonicMs + 4000),
    'foreign.cpuprofile': v8Profile(header.startMonotonicMs + 900_000),
    'allocations-1.heapprofile': '{"head":{}}',
    'notes.txt': 'no profile',
  });
  for (const [i, name] of ['own.cpuprofile', 'foreign.cpuprofile', 'allocations-1.heapprofile'].entries()) {
    utimesSync(join(path, name), 1000 - i, 1000 - i);
  }
  const recordings = [{ ...recordingOf(seconds(9)), path }, recordingOf(seconds(2), { threadId: 1 })];
  const found = recordedProfiles(recordings);
  expect(found.map(({ name, threads }) => [name, threads[0]])).toEqual([
    ['own.cpuprofile', { threadId: 0, startMonotonicMs: header.startMonotonicMs + 4000, spanMs: 20 }],
    ['foreign.cpuprofile', { threadId: 0, startMonotonicMs: null, spanMs: 20 }],
    ['allocations-1.heapprofile', { threadId: 0, startMonotonicMs: null, spanMs: 0 }],
  ]);
  expect(found.every(({ profile }) => profile === null)).toBe(true);
  const { profile, problem } = readRecorded(found[0]!, recordings);
  expect(problem).toBeNull();
  expect(stacksOf(profile!.threads[0]!)).toEqual({ work: 20_000 });
});

test('a file that has gone, or is none, says so in words', () => {
  const path = tempFolder({ 'a.cpuprofile': '{"nodes":' });
  const recordings = [{ ...recordingOf(seconds(9)), path }];
  const [found] = recordedProfiles(recordings);
  expect(readRecorded(found!, recordings).problem).toContain('it is cut off');
  expect(readRecorded({ ...found!, id: join(path, 'gone.cpuprofile') }, recordings).problem).toContain('gone');
});

test('a profile is written in the format of its name, for its owner, and never over another file', () => {
  const folder = tempFolder();
  const file = join(folder, 'x.speedscope.json');
  const profile = profileOf([threadOf([['main', 1000]]), threadOf([['job', 1000]], 'worker 2')]);
  expect(writeProfile(profile, file)).toMatch(/^Written: .*x\.speedscope\.json, \d/);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  writeFileSync(join(folder, 'x-2.speedscope.json'), '');
  expect(writeProfile(profile, file)).toMatch(
    /Written: .*x-3\.speedscope\.json, .* \(.*x\.speedscope\.json was there already\)/,
  );
  expect(writeProfile(profile, join(folder, 'x.cpuprofile'))).toContain('it holds one thread, main thread');
  expect(writeProfile(profile, join(folder, 'x.foo'))).toContain('.speedscope.json');
  const bytes = profileOf([threadOf([['main', 1000]])], { unit: 'bytes', kind: 'in-use-space' });
  expect(writeProfile(bytes, join(folder, 'y.cpuprofile'))).toContain('holds time, not bytes');
});
