import { connectAll } from '../../../attach/list-agents.ts';
import type { NodeProcess } from '../../../attach/process/list.ts';
import { commandText } from '../../../report/words.ts';
import { formatBytes, formatMs } from '../../../util/text.ts';
import { commandOf, listProcesses } from '../../processes.ts';
import { nameAsData, pathAsData } from '../as-data.ts';
import { LIMIT } from '../fields.ts';
import type { Tool } from '../types.ts';

const FIELDS = { limit: LIMIT } as const;
const DEFAULT = 30;

export const processes: Tool<typeof FIELDS> = {
  id: 'processes',
  title: 'Node.js processes',
  description:
    'Lists the Node.js processes of this user: process ID, command, CPU, memory, and whether evdiag can ask them ("agent": it runs with the agent; "attachable": the agent can be loaded). Begin here to diagnose something that runs.',
  isAction: false,
  fields: FIELDS,
  async run({ limit = DEFAULT }) {
    const all =
      process.platform === 'linux' ? (await listProcesses()).sort(busiestFirst).map(described) : await agents();
    return { facts: { found: all.length }, entries: { name: 'processes', all, most: limit } };
  },
};

function busiestFirst(a: NodeProcess, b: NodeProcess): number {
  const rank = ({ state }: NodeProcess): number => ['agent', 'attachable'].indexOf(state) >>> 0;
  return rank(a) - rank(b) || (b.cpuShare ?? 0) - (a.cpuShare ?? 0) || b.rssBytes - a.rssBytes;
}

function described(one: NodeProcess): object {
  const { pid, user, container, ageMs, nodeVersion, cpuShare, rssBytes, threads, state, why } = one;
  return {
    pid,
    command: pathAsData(commandOf(one)),
    state,
    ...(state !== 'agent' && why !== '' && { why }),
    ...(cpuShare !== null && { cpu: `${Math.round(cpuShare * 100)} %` }),
    memory: formatBytes(rssBytes),
    threads,
    up: formatMs(ageMs),
    node: nodeVersion,
    user: nameAsData(user),
    ...(container !== null && { container: nameAsData(container) }),
  };
}

/** Where the system has no /proc, only those with the agent are known. */
async function agents(): Promise<object[]> {
  const connections = await connectAll();
  return connections.map((connection) => {
    connection.close();
    const { pid, argv, nodeVersion, level, uptimeMs, threads } = connection.hello;
    const command = pathAsData(commandText(argv));
    return { pid, command, state: 'agent', level, threads: threads.length, up: formatMs(uptimeMs), node: nodeVersion };
  });
}
