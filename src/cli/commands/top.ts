import { type Connection, connect } from '../../attach/connect.ts';
import { connectAll } from '../../attach/list-agents.ts';
import { TargetError } from '../../attach/target-error.ts';
import { commandText } from '../../report/words.ts';
import { formatMs } from '../../util/text.ts';
import { showLive } from '../live-screen.ts';
import { toPid } from '../options.ts';
import { complain } from '../output.ts';
import { requireTerminal, terminalLook } from '../tui.ts';
import { type CliCommand, EXIT } from '../types.ts';

interface Options {
  ascii?: boolean;
}

export const top: CliCommand<Options> = {
  id: 'top',
  summary: 'watch a running process live in the terminal; it runs with the agent',
  examples: ['evdiag top', 'evdiag top 4711'],
  configure(command) {
    command
      .argument('[pid]', 'number of the process; without it, a list to choose from')
      .option('--ascii', 'draw with ASCII characters only');
  },
  async run([pidText], { ascii }) {
    const pid = pidText === undefined ? null : toPid(pidText);
    requireTerminal('top');
    const look = terminalLook(ascii);
    try {
      const connection = pid === null ? await chooseProcess(look) : await connect(pid);
      if (connection === null) return EXIT.done;
      const { exitCodeOf } = await import('../../tui/views/app.ts');
      return exitCodeOf(await showLive(Promise.resolve(connection), commandText(connection.hello.argv), look));
    } catch (error) {
      if (!(error instanceof TargetError)) throw error;
      complain(error.message);
      return EXIT.target;
    }
  },
};

/** The only one there is, or the one that somebody chose; null where nobody did. */
async function chooseProcess(look: ReturnType<typeof terminalLook>): Promise<Connection | null> {
  const all = await connectAll();
  if (all.length === 0) {
    throw new TargetError('No process of yours runs with the agent. Start one: evdiag run --tui -- node app.js');
  }
  if (all.length === 1) return all[0]!;
  const { choose } = await import('../../tui/views/menu.ts');
  const choices = all.map(({ hello: { pid, argv, nodeVersion, level, uptimeMs } }) => ({
    label: `${String(pid).padStart(7)}  ${commandText(argv)}`,
    about: `Node.js ${nodeVersion.replace(/^v/, '')} · level ${level} · up ${formatMs(uptimeMs)}`,
  }));
  const index = await choose('Processes that run with the agent', choices, look);
  for (const connection of all) if (connection !== all[index ?? -1]) connection.close();
  return index === null ? null : all[index]!;
}
