import { InvalidArgumentError } from 'commander';
import { connectAll } from '../../attach/list-agents.ts';
import { InputError } from '../../recording/reader.ts';
import { type Crowd, everybody } from '../live/crowd.ts';
import { monitorCrowd } from '../live/monitor.ts';
import { attachOption, jsonOption, sigusr1Option, toPid } from '../options.ts';
import { complain } from '../output.ts';
import { endAnew, reach, type Visit, type VisitOptions } from '../target/visit.ts';
import type { CliCommand } from '../types.ts';

interface Options extends VisitOptions {
  all?: boolean;
  every: number;
  json?: boolean;
}

const EVERY_S = { value: 5, least: 0.5, most: 3600 };

export const monitor: CliCommand<Options> = {
  id: 'monitor',
  summary: 'print one line per process every few seconds: load, delay, stalls, memory, findings',
  examples: ['evdiag monitor', 'evdiag monitor 4711 4712 --every 10', 'evdiag monitor --all --json >> monitor.ndjson'],
  configure(command) {
    command
      .argument('[pid...]', 'process IDs; if omitted, all that run with the agent, now and later')
      .option('--all', 'all processes that run with the agent, now and later')
      .option('--every <seconds>', 'time between two lines of a process', secondsOf, EVERY_S.value)
      .addOption(attachOption())
      .addOption(sigusr1Option())
      .addOption(jsonOption('print a JSON object per line, as it comes'));
  },
  async run(operands, options) {
    const { all, json } = options;
    if (all && operands.length > 0) throw new InputError('Give process IDs, or --all, not both.');
    const show = { everyMs: options.every * 1000, json: json === true };
    if (operands.length === 0) {
      const known = await connectAll();
      if (known.length === 0) complain('No process of yours runs with the agent yet; waiting for one. Ctrl-C ends.');
      return monitorCrowd({ ...everybody(known), mayCome: () => true }, show);
    }
    return visited([...new Set(operands.map(toPid))], options, (crowd) => monitorCrowd(crowd, show));
  },
};

function secondsOf(text: string): number {
  const seconds = Number(text.replace(/\s*s$/, ''));
  if (text.trim() !== '' && seconds >= EVERY_S.least && seconds <= EVERY_S.most) return seconds;
  throw new InvalidArgumentError(`It must be a number of seconds from ${EVERY_S.least} to ${EVERY_S.most}.`);
}

/** Agents that were brought for this leave at the end. */
async function visited(
  pids: readonly number[],
  options: VisitOptions,
  use: (crowd: Crowd) => Promise<number>,
): Promise<number> {
  const visits: Visit[] = [];
  try {
    for (const pid of pids) visits.push(await reach(pid, options));
    const known = visits.map(({ connection }) => connection);
    return await use({ ...everybody(known), candidates: () => [] });
  } finally {
    for (const visit of visits) await endAnew(visit);
  }
}
