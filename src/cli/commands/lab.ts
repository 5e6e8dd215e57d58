import { availableParallelism, cpus } from 'node:os';
import { labs } from '../../lab/index.ts';
import { labText, type Machine } from '../../lab/text.ts';
import type { Lab, LabResult } from '../../lab/types.ts';
import { InputError } from '../../recording/reader.ts';
import { hasColor, painter, terminalWidth } from '../../util/terminal.ts';
import { wrap } from '../../util/text.ts';
import { jsonOption } from '../options.ts';
import { printJson } from '../output.ts';
import { type CliCommand, EXIT } from '../types.ts';

interface Options {
  json?: boolean;
}

export const lab: CliCommand<Options> = {
  id: 'lab',
  summary: 'measure what things cost on this machine: table and chart',
  examples: [
    'evdiag lab                                   list the labs',
    'evdiag lab switch-cost                       a call, an await, a timer, a worker, a child process',
    'evdiag lab fan-out                           100 requests: one after another, on threads, concurrently',
    'evdiag lab task-memory                       bytes of a promise, a suspended call, a worker, a process',
    'evdiag lab file-writes                       10 000 lines: each awaited, or buffered',
    'evdiag lab cpu-pool                          a computation on the main thread and on a pool',
    'evdiag lab loop-throughput                   TCP and UDP per second, without and with the agent',
    'evdiag lab switch-cost --json > switch-cost.json',
  ],
  configure(command) {
    command.argument('[id]', 'id of a lab; lists all labs if omitted').addOption(jsonOption());
  },
  async run([id], { json }) {
    if (id === undefined) {
      list(json === true);
      return EXIT.done;
    }
    const chosen = find(id);
    const result = await withProgress(chosen);
    const machine = thisMachine();
    if (json) printJson(jsonOf(chosen, result, machine));
    else process.stdout.write(labText(chosen, result, machine, lookOf(process.stdout)));
    return EXIT.done;
  },
};

function find(id: string): Lab {
  const found = labs.find((candidate) => candidate.id === id);
  if (found !== undefined) return found;
  throw new InputError(`There is no lab "${id}". Available: ${labs.map((known) => known.id).join(', ')}.`);
}

function list(json: boolean): void {
  if (json) {
    printJson(labs.map(({ id, title, description, seconds }) => ({ id, title, description, seconds })));
    return;
  }
  const { paint, width } = lookOf(process.stdout);
  const lines = labs.flatMap(({ id, title, description, seconds }) => [
    `${paint(id, 'bold')}  ${wrap(title, width - id.length - 2).join('\n  ')}`,
    ...wrap(`${description} Takes about ${seconds} s.`, width - 2).map((line) => `  ${paint(line, 'dim')}`),
  ]);
  process.stdout.write(`${lines.join('\n')}\n`);
}

function lookOf(stream: NodeJS.WriteStream) {
  return { paint: painter(hasColor(stream)), width: terminalWidth(stream) };
}

/** One line on stderr that is rewritten, and removed at the end; without escape codes, so that every terminal can show it. */
async function withProgress({ id, run }: Lab): Promise<LabResult> {
  if (!process.stderr.isTTY) return run(() => {});
  const line = (share: number) => `measuring ${id} … ${Math.floor(share * 100)} %`;
  try {
    return await run((share) => process.stderr.write(`\r${line(share)}`));
  } finally {
    process.stderr.write(`\r${' '.repeat(line(1).length)}\r`);
  }
}

function thisMachine(): Machine {
  const { version: node, platform, arch } = process;
  return { node, platform, arch, coreCount: availableParallelism(), cpu: cpus()[0]?.model.trim() || 'unknown CPU' };
}

function jsonOf({ id, title, baseline }: Lab, { rows, gaps, conclusions }: LabResult, machine: Machine) {
  const flat = rows.map(({ figures, ...row }) => ({ ...row, ...figures }));
  return { schema: 'evdiag-lab/1', lab: id, title, machine, baseline: baseline.id, rows: flat, gaps, conclusions };
}
