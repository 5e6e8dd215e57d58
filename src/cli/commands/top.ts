import type { Connection } from '../../attach/connect.ts';
import { connectAll } from '../../attach/list-agents.ts';
import type { NodeProcess } from '../../attach/process/list.ts';
import { TargetError } from '../../attach/target-error.ts';
import { commandText } from '../../report/words.ts';
import { exitCodeOf } from '../../util/end-signals.ts';
import { formatMs, plural } from '../../util/text.ts';
import { type Crowd, everybody, familyOf } from '../live/crowd.ts';
import { showLive } from '../live/live-screen.ts';
import { streamRows } from '../live/stream-rows.ts';
import { requireTerminal, terminalLook } from '../live/tui.ts';
import { attachOption, jsonOption, sigusr1Option, toPid } from '../options.ts';
import { printJson } from '../output.ts';
import { commandOf, listProcesses } from '../processes.ts';
import { endAnew, reach, type VisitOptions } from '../target/visit.ts';
import { type CliCommand, EXIT } from '../types.ts';

interface Options extends VisitOptions {
  ascii?: boolean;
  json?: boolean;
}

const NOBODY =
  'No process of yours runs with the agent, and none can be attached to (see "evdiag ps"). Start one: evdiag run --tui -- node app.js';

export const top: CliCommand<Options> = {
  id: 'top',
  summary: 'watch processes that run with the agent, live in the terminal',
  examples: ['evdiag top', 'evdiag top 4711', 'evdiag top 4711 --json | grep stall'],
  configure(command) {
    command
      .argument('[pid]', 'process ID: shows it and its family; if omitted, choose from a list')
      .option('--ascii', 'draw with ASCII characters only')
      .addOption(attachOption())
      .addOption(sigusr1Option())
      .addOption(jsonOption('print rows as they arrive, one JSON object per line; without a PID, print the list'));
  },
  async run([pidText], options) {
    const { json } = options;
    const pid = pidText === undefined ? null : toPid(pidText);
    if (!json) requireTerminal('top');
    if (pid === null && json) return printList();
    const choice = pid ?? (await choose(terminalLook(options.ascii)));
    if (typeof choice !== 'number') return show(choice, options);
    // Whoever chose it from the list has read what that means.
    const visit = await reach(choice, pid === null ? { ...options, attach: true } : options, 'diagnose');
    try {
      return await (json ? streamRows(familyOf(visit.connection)) : show(chosen(visit.connection), options));
    } finally {
      await endAnew(visit);
    }
  },
};

async function show(choice: Choice | null, { ascii }: Options): Promise<number> {
  if (choice === null) return EXIT.done;
  return exitCodeOf(await showLive(choice.crowd, { ...choice, look: terminalLook(ascii) }));
}

interface Choice {
  crowd: Crowd;
  subject: string;
  /** Of the thread that is shown first. */
  pid?: number;
}

function chosen(connection: Connection): Choice {
  const { argv, pid } = connection.hello;
  return { crowd: familyOf(connection), subject: commandText(argv), pid };
}

/** The only family, or what the user chose, of a process without the agent its number; null if nothing was chosen. */
async function choose(look: ReturnType<typeof terminalLook>): Promise<Choice | number | null> {
  const all = await connectAll();
  const families = new Set(all.map(({ hello }) => hello.family)).size;
  const others = families === 1 ? [] : await attachable();
  if (all.length + others.length === 0) throw new TargetError(NOBODY);
  if (families === 1) {
    const { subject } = chosen(all[0]!);
    return { subject, crowd: { ...familyOf(all[0]!), known: all } };
  }
  const { choose: ask } = await import('../../tui/views/menu.ts');
  const choices = all.map(({ hello: { pid, argv, nodeVersion, level, uptimeMs } }) => ({
    label: `${String(pid).padStart(7)}  ${commandText(argv)}`,
    about: `Node.js ${nodeVersion.replace(/^v/, '')} · level ${level} · up ${formatMs(uptimeMs)}`,
  }));
  const together = {
    label: `${'all'.padStart(7)}  ${plural(all.length, 'process', 'processes')}`,
    about: 'side by side',
  };
  const side = all.length > 1 ? [together] : [];
  const loads = others.map((one) => ({
    label: `${String(one.pid).padStart(7)}  ${commandOf(one)}`,
    about: `Node.js ${one.nodeVersion ?? '?'} · without the agent: Enter loads it until you leave`,
  }));
  const index = await ask('Processes that can be observed', [...choices, ...side, ...loads], look);
  if (side.length > 0 && index === all.length) return { crowd: everybody(all), subject: together.label.trim() };
  for (const connection of all) if (connection !== all[index ?? -1]) connection.close();
  if (index === null) return null;
  return index < all.length ? chosen(all[index]!) : others[index - all.length - side.length]!.pid;
}

async function attachable(): Promise<NodeProcess[]> {
  if (process.platform !== 'linux') return [];
  return (await listProcesses()).filter(({ state }) => state === 'attachable');
}

/** The processes that can be observed, each once. */
async function printList(): Promise<number> {
  const all = await connectAll();
  printJson({ schema: 'evdiag-top/1', processes: all.map(({ hello: { protocol: _, ...hello } }) => hello) });
  for (const connection of all) connection.close();
  return EXIT.done;
}
