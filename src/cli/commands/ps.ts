import type { NodeProcess } from '../../attach/process/list.ts';
import { terminalWidth } from '../../util/terminal.ts';
import { formatBytes, formatMs } from '../../util/text.ts';
import { jsonOption } from '../options.ts';
import { printJson } from '../output.ts';
import { commandOf, listProcesses } from '../processes.ts';
import { type CliCommand, EXIT } from '../types.ts';

interface Options {
  json?: boolean;
  why?: boolean;
}

/** In the column; the sentence is behind --why. */
const STATES: Record<NodeProcess['state'], string> = {
  agent: 'with agent',
  attachable: 'attachable',
  stopped: 'stopped',
  'not-node': 'not Node.js',
  'old-node': 'Node too old',
  'no-access': 'no access',
  disabled: 'SIGUSR1 disabled',
  'permission-model': 'permission model',
  'own-handler': 'own SIGUSR1',
  'no-handler': 'no inspector',
  unproven: 'needs --sigusr1',
  'cluster-primary': 'cluster primary',
  snapshot: 'from a snapshot',
  debugger: 'debugged',
  'public-port': 'public port',
  'port-taken': 'port taken',
  'no-descriptors': 'too many files',
};

export const ps: CliCommand<Options> = {
  id: 'ps',
  summary: 'list the Node.js processes of this user (of all users, as root), and which can be observed',
  examples: ['evdiag ps', 'evdiag ps --why', 'evdiag ps --json'],
  configure(command) {
    command.option('--why', 'say why a process cannot be attached to').addOption(jsonOption());
  },
  async run(_, { json, why }) {
    const processes = await listProcesses();
    if (json) printJson({ schema: 'evdiag-ps/1', processes });
    else process.stdout.write(processesText(processes, terminalWidth(process.stdout), why === true));
    return EXIT.done;
  },
};

const COLUMNS = ['PID', 'USER', 'CONTAINER', 'AGE', 'NODE', 'CPU', 'RSS', 'THREADS', 'AGENT', 'COMMAND'];
const RIGHT = new Set(['PID', 'AGE', 'CPU', 'RSS', 'THREADS']);
const NONE = 'No Node.js process of yours runs.\n';

function processesText(processes: readonly NodeProcess[], width: number, why: boolean): string {
  if (processes.length === 0) return NONE;
  const hasContainers = processes.some(({ container }) => container !== null);
  const rows = [COLUMNS, ...processes.map(cellsOf)];
  const shown = COLUMNS.map((_name, i) => i).filter((i) => hasContainers || COLUMNS[i] !== 'CONTAINER');
  const widths = COLUMNS.map((_name, i) => Math.max(...rows.map((row) => row[i]!.length)));
  const lines = rows.map((row) =>
    shown.map((i) => (RIGHT.has(COLUMNS[i]!) ? row[i]!.padStart(widths[i]!) : row[i]!.padEnd(widths[i]!))).join('  '),
  );
  const cut = lines.map((line) => (process.stdout.isTTY ? line.slice(0, width) : line).trimEnd());
  if (!why) return `${cut.join('\n')}\n`;
  const reasons = processes.filter((one) => one.why !== '').map((one) => one.why);
  return `${[...cut, ...(reasons.length > 0 ? ['', ...reasons] : [])].join('\n')}\n`;
}

function cellsOf(one: NodeProcess): string[] {
  const { pid, user, container, ageMs, nodeVersion, cpuShare, rssBytes, threads, state } = one;
  return [
    String(pid),
    user,
    container ?? '',
    formatMs(ageMs),
    nodeVersion ?? '?',
    cpuShare === null ? '' : `${Math.round(cpuShare * 100)} %`,
    formatBytes(rssBytes),
    String(threads),
    STATES[state],
    commandOf(one),
  ];
}
