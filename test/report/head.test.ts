import { describe, expect, test } from 'vitest';
import type { Header, Recording, Row } from '../../src/recording/types.ts';
import { buildReport } from '../../src/report/report.ts';
import { textReport } from '../../src/report/text.ts';
import { painter } from '../../src/util/terminal.ts';
import { cpu, delayRow, header, recordingOf, stall, utilization } from '../support/recording.ts';

/** A process that runs `program` for ten seconds, so busy in each. */
function runs(program: string, busy: number, fields: Partial<Header> = {}, more: Row[] = []): Recording {
  const rows = Array.from({ length: 10 }, (_, i) => {
    const t = (i + 1) * 1000;
    return [
      { ...delayRow(1), t },
      { ...utilization(busy), t },
      { ...cpu(), t },
    ];
  });
  return recordingOf([...rows.flat(), ...more], { argv: ['node', program], ...fields });
}

const later = (pid: number, parentPid: number): Partial<Header> => ({
  ...{ pid, parentPid, startMonotonicMs: header.startMonotonicMs + pid },
});
const headOf = (...family: Recording[]) => buildReport(family).recording.argv[1];
const block = stall({ t: 5500, startMs: 5000 });

describe('a report of a family is headed by', () => {
  test('the program, not by those that started it and wait', () => {
    const npm = runs('/bin/npm', 0);
    const npx = runs('/bin/npx', 0.01, later(200, header.pid));
    const app = runs('/srv/app.js', 0.4, later(300, 200));
    expect(headOf(npm, npx, app)).toBe('/srv/app.js');
    // A shell between them is no process of the family.
    expect(headOf(npm, runs('/srv/app.js', 0.01, later(300, 77)))).toBe('/srv/app.js');
    const text = textReport(buildReport([npm, npx, app]), [npm, npx, app], { paint: painter(false), width: 100 });
    expect(text).toMatch(/^node \/srv\/app\.js\n {2}process +pid 300, /);
  });

  test('the root, where it works itself, or something was found in it', () => {
    const child = runs('/srv/helper.js', 0.9, later(200, header.pid));
    expect(headOf(runs('/srv/app.js', 0.3), child)).toBe('/srv/app.js');
    expect(headOf(runs('/srv/app.js', 0.01, {}, [block]), child)).toBe('/srv/app.js');
  });

  test('the primary of a cluster, though it only waits', () => {
    const report = buildReport([
      runs('/srv/app.js', 0),
      runs('/srv/app.js', 0.9, later(200, header.pid)),
      runs('/srv/app.js', 0.5, later(300, header.pid)),
    ]);
    expect(report.recording.pid).toBe(header.pid);
  });

  test('of several programs side by side, that with the worst finding, then that with the most work', () => {
    const supervisor = runs('/bin/concurrently', 0);
    const [idle, busy] = [
      runs('/srv/a.js', 0.1, later(200, header.pid)),
      runs('/srv/b.js', 0.6, later(300, header.pid)),
    ];
    expect(headOf(supervisor, idle, busy)).toBe('/srv/b.js');
    expect(headOf(supervisor, runs('/srv/a.js', 0.1, later(200, header.pid), [block]), busy)).toBe('/srv/a.js');
  });
});
