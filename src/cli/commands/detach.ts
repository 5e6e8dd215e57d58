import { connect } from '../../attach/connect.ts';
import { askToLeave } from '../../attach/leave.ts';
import { jsonOption, toPid } from '../options.ts';
import { complain, printJson } from '../output.ts';
import { blockedText } from '../target/visit.ts';
import { type CliCommand, EXIT } from '../types.ts';

interface Options {
  json?: boolean;
}

export const detach: CliCommand<Options> = {
  id: 'detach',
  summary: 'take the agent out of a running process, which goes on as before',
  examples: ['evdiag detach 4711'],
  configure(command) {
    command.argument('<pid>', 'process ID of a process that runs with the agent').addOption(jsonOption());
  },
  async run([pidText = ''], { json }) {
    const pid = toPid(pidText);
    const connection = await connect(pid);
    try {
      const { blocked, recording } = await askToLeave(connection);
      if (json) printJson({ schema: 'evdiag-detach/1', pid, blocked, recording });
      else {
        complain(blocked.length > 0 ? blockedText(pid) : `The agent has left process ${pid}.`);
        if (recording !== null) complain(`Its recording is in "${recording}".`);
      }
      return EXIT.done;
    } finally {
      connection.close();
    }
  },
};
