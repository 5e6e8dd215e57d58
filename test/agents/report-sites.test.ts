import { expect, test } from 'vitest';
import { reportSites } from '../../agents/agent/tracking/report-sites.ts';
import { begin, createSites, end, type Site } from '../../agents/agent/tracking/sites.ts';
import type { RawFrame } from '../../agents/shared-memory.ts';

const AT: RawFrame = ['job', '/srv/job.js', 7, 3];
const caller = (line: number): RawFrame => ['start', '/srv/job.js', line, 1];

/** Begins some at a site, and ends as many as are to be over. */
function start(site: Site, count: number, over: number): void {
  const all = Array.from({ length: count }, () => ({ site, startMs: 0, weight: 1 }));
  for (const one of all) begin(one);
  for (const one of all.slice(0, over)) end(one, 10);
}

test('of a position where something is alive, all that was started there is reported, whoever called it', () => {
  const sites = createSites();
  start(sites.here('await', '', '', [AT, caller(20)])!, 3, 1);
  start(sites.here('await', '', '', [AT, caller(30)])!, 5, 5);
  start(sites.here('await', '', '', [['other', '/srv/other.js', 1, 1]])!, 4, 4);
  const { sites: reported } = reportSites([...sites.all()], 100, () => null);
  expect(reported.map(({ created, ended, alive }) => [created, ended, alive])).toEqual([
    [3, 1, 2],
    [5, 5, 0],
  ]);
});
