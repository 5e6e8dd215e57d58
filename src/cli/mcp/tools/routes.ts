import { type RouteReport, routesOf, seenText } from '../../../report/routes.ts';
import { formatMs } from '../../../util/text.ts';
import { nameAsData, pathAsData } from '../as-data.ts';
import { LIMIT, PID, RECORDING } from '../fields.ts';
import { recordingSource } from '../recording-source.ts';
import type { Tool } from '../types.ts';

const FIELDS = { pid: PID, recording: RECORDING, limit: LIMIT } as const;
const DEFAULT = 20;

export const routes: Tool<typeof FIELDS> = {
  id: 'routes',
  title: 'Requests by route',
  description:
    'Requests by route and jobs by name: how many ended and failed, 50th and 99th percentile of the time that they took, how long they blocked the event loop, and how often they waited while something else blocked it. Those that block the most come first.',
  isAction: false,
  fields: FIELDS,
  async run({ limit = DEFAULT, ...given }) {
    const family = await recordingSource(given);
    const all = routesOf(family.recordings);
    const seen = seenText(all);
    return {
      facts: {
        recording: pathAsData(family.path),
        ...(seen !== null && { seen }),
        ...(all.length === 0 && { found: 'No request and no job was recorded.' }),
      },
      entries: { name: 'routes', all: all.map(described), most: limit },
    };
  },
};

function described(route: RouteReport): object {
  const { kind, name, estimated, failed, aborted, p50Ms, p99Ms, maxMs, stalls, stalledMs, waited } = route;
  return {
    kind,
    name: nameAsData(name),
    ended: estimated,
    ...(failed > 0 && { failed }),
    ...(aborted > 0 && { left: aborted }),
    ...(p50Ms !== null && { p50: formatMs(p50Ms) }),
    ...(p99Ms !== null && { p99: formatMs(p99Ms) }),
    max: formatMs(maxMs),
    ...(stalls > 0 && { blockedLoop: `${stalls} times, ${formatMs(stalledMs)} in all` }),
    ...(waited > 0 && { waitedForOthers: waited }),
  };
}
