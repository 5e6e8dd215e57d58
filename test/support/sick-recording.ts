import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cpuprofile } from '../../src/exporters/cpuprofile.ts';
import { heapprofile } from '../../src/exporters/heapprofile.ts';
import type { Row } from '../../src/recording/types.ts';
import { profileOf, threadOf } from './profile.ts';
import {
  agentCost,
  entry,
  frame,
  header,
  memory,
  ndjson,
  seconds,
  stall,
  tempFolder,
  unfinished,
} from './recording.ts';

const location = (line: number, name: string) => ({ file: '/srv/app.js', line, column: 3, function: name });

function blocked(t: number, line: number, durationMs: number): Row {
  const place = location(line, `handler${line}`);
  const frames = [frame(place.function, line), frame('onRequest', 90)];
  return stall({
    t,
    startMs: t - durationMs,
    durationMs,
    location: place,
    stacks: [{ weightMs: durationMs, kind: 'sync-fs', frames, location: place }],
  });
}

/** Ten seconds with a row of each kind that the terminal UI shows; stalls end at 3 s, 5 s and 8 s. */
export const SICK_ROWS: readonly Row[] = [
  ...seconds(9),
  agentCost({ t: 9000 }),
  memory({ t: 9500, heapUsedBytes: 30e6, spaces: { old_space: 20e6, new_space: 1e6 } }),
  blocked(3000, 10, 300),
  blocked(5000, 20, 900),
  blocked(8000, 10, 400),
  ...[4000, 6000, 8000].map((t) =>
    unfinished(t, [
      entry({ alive: t / 100, location: location(30, 'ask'), callers: [location(40, 'order')], code: 'reply' }),
      entry({ alive: 3, location: location(50, 'poll'), oldestMs: 900 }),
      entry({ what: 'handle', type: 'Timeout', detail: '30000 ms', alive: 7, location: location(60, 'arm') }),
    ]),
  ),
  { t: 10_200, type: 'end', reason: 'exit', exitCode: 3, signal: null } as const,
].sort((a, b) => a.t - b.t);

/** A folder with `out/recording.ndjson`; a name of a function that wants to steer the terminal, if given. */
export function sickFolder(evilName?: string): string {
  const rows =
    evilName === undefined
      ? SICK_ROWS
      : [...SICK_ROWS, { ...blocked(10_300, 99, 700), location: location(99, evilName) }];
  return tempFolder({ 'out/recording.ndjson': ndjson([header, ...rows]) });
}

/**
 * The same with profiles beside the recording, the newest first: `cpu-1.cpuprofile`, which saw the stalls that end at 3 s
 * and 5 s, `allocations-1.heapprofile`, and `cut-off.cpuprofile`.
 */
export function profiledFolder(): string {
  const folder = sickFolder();
  // Both the exporter's clock and the recording's begin at 1 s.
  const cpu = threadOf([
    ['(idle)', 2_700_000],
    ['onRequest;handler10', 290_000],
    ['onRequest', 10_000],
    ['(idle)', 1_100_000],
    ['onRequest;handler20', 700_000],
    ['onRequest;handler20;(garbage collector)', 200_000],
    ['(idle)', 1_000_000],
  ]);
  const allocated = { ...threadOf([['onRequest;keep', 65_536]]), samples: null };
  const text = String(cpuprofile.write(profileOf([cpu])));
  const files = [
    ['cpu-1.cpuprofile', text],
    ['allocations-1.heapprofile', heapprofile.write(profileOf([allocated], { unit: 'bytes', kind: 'in-use-space' }))],
    ['cut-off.cpuprofile', text.slice(0, 200)],
  ] as const;
  for (const [i, [name, content]] of files.entries()) {
    writeFileSync(join(folder, 'out', name), content);
    utimesSync(join(folder, 'out', name), 1000 - i, 1000 - i);
  }
  return folder;
}
