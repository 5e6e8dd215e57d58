import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtFile } from '../util/package-root.ts';
import { formatCount, formatShare } from '../util/text.ts';
import { runOnce, type Started, type StartOptions, start } from './process.ts';
import { LAB_FOLDER } from './programs/types.ts';
import type { Lab, LabRow } from './types.ts';
import { figureOf, runWays, type Way } from './ways.ts';

export interface LoopThroughputSize {
  rounds: number;
  sliceMs: number;
  connections: number;
  /** Packets under way at the same time. */
  packets: number;
}

const PROTOCOLS = [
  { id: 'tcp', name: 'TCP', unit: 'requests' },
  { id: 'udp', name: 'UDP', unit: 'packets' },
] as const;

export function loopThroughputLab(size: LoopThroughputSize): Lab {
  return {
    id: 'loop-throughput',
    title: 'TCP requests and UDP packets that one event loop answers per second, without and with the agent',
    description: `A server sends back what it gets: ${size.connections} connections, or ${size.packets} packets, that always have a request of 64 bytes under way. Each server is a process of its own, and the rounds alternate between them. The agent records at level watch.`,
    seconds: 25,
    columns: [
      {
        ...{ key: 'perSecond', heading: 'per second', unit: 'perSecond' },
        spread: { low: 'perSecondLow', high: 'perSecondHigh', heading: 'min–max' },
      },
      { key: 'p50Ms', heading: 'p50', unit: 'ms' },
      { key: 'p99Ms', heading: 'p99', unit: 'ms' },
      { key: 'lostCount', heading: 'lost', unit: 'count' },
    ],
    baseline: { id: 'tcp', heading: '× without' },
    async run(progress) {
      // The agent's recording is of no use afterwards.
      const folder = mkdtempSync(join(tmpdir(), 'evdiag-lab-'));
      const servers: Started[] = [];
      try {
        const ways = await startWays(size, agentOptions(folder), servers);
        const measured = await runWays(ways, { rounds: size.rounds, spread: 'perSecond' }, progress);
        return { ...measured, conclusions: PROTOCOLS.flatMap((protocol) => conclude(measured.rows, protocol)) };
      } finally {
        await Promise.all(servers.map(({ end }) => end()));
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

export const loopThroughput = loopThroughputLab({ rounds: 5, sliceMs: 800, connections: 32, packets: 32 });

function agentOptions(folder: string): StartOptions {
  return {
    execArgv: ['-r', builtFile('agent.cjs')],
    env: { EVDIAG_OUT: folder, EVDIAG_LEVEL: 'watch', EVDIAG_SUMMARY: '0', [LAB_FOLDER]: folder },
  };
}

async function startWays(size: LoopThroughputSize, agent: StartOptions, servers: Started[]): Promise<Way[]> {
  const ways: Way[] = [];
  for (const { id, name, unit } of PROTOCOLS) {
    for (const observed of [false, true]) {
      const server = await start(
        { program: 'loop-throughput', way: `${id}-server`, options: {} },
        observed ? agent : {},
      );
      servers.push(server);
      ways.push({
        id: observed ? `${id}-agent` : id,
        title: `${name} ${unit}${observed ? ', with the agent' : ''}`,
        baseline: id,
        run: () => runSlice(id, server.figures.port!, size),
      });
    }
  }
  return ways;
}

function runSlice(protocol: 'tcp' | 'udp', port: number, { sliceMs, connections, packets }: LoopThroughputSize) {
  const parallel = protocol === 'tcp' ? connections : packets;
  return runOnce({ program: 'loop-throughput', way: `${protocol}-client`, options: { port, parallel, sliceMs } });
}

/** What the rounds show of the agent: nothing where they overlap. */
function conclude(rows: readonly LabRow[], { id, name, unit }: (typeof PROTOCOLS)[number]): string[] {
  const figure = (row: string, key: string): number => figureOf(rows, row, key);
  const [without, observed] = [figure(id, 'perSecond'), figure(`${id}-agent`, 'perSecond')];
  if (!Number.isFinite(without + observed)) return [];
  const [low, high] = [figure(id, 'perSecondLow'), figure(`${id}-agent`, 'perSecondHigh')];
  const change = observed / without - 1;
  const overlaps = high >= low && figure(`${id}-agent`, 'perSecondLow') <= figure(id, 'perSecondHigh');
  return [
    overlaps
      ? `${name}: ${formatCount(without)} ${unit} per second, with the agent ${formatCount(observed)}; the rounds overlap, so they show no difference.`
      : `${name}: ${formatCount(without)} ${unit} per second, with the agent ${formatCount(observed)}, ${formatShare(Math.abs(change))} ${change < 0 ? 'fewer' : 'more'}.`,
  ];
}
