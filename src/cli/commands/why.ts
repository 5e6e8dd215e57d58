import type { Connection } from '../../attach/connect.ts';
import { takeWhy } from '../../attach/take-why.ts';
import { commandText } from '../../report/words.ts';
import { hasColor, painter } from '../../util/terminal.ts';
import { formatMs, stripControl } from '../../util/text.ts';
import type { WhyThread } from '../../why/alive.ts';
import { whyText } from '../../why/text.ts';
import { attachOption, jsonOption, sigusr1Option, toPid } from '../options.ts';
import { printJson } from '../output.ts';
import { type VisitOptions, withTarget } from '../target/visit.ts';
import { type CliCommand, EXIT } from '../types.ts';

interface Options extends VisitOptions {
  json?: boolean;
}

export const why: CliCommand<Options> = {
  id: 'why',
  summary: 'show what keeps a process alive: timers, sockets, servers, workers, children, with their lines',
  examples: ['evdiag why 4711', 'evdiag why 4711 --attach', 'evdiag why 4711 --json'],
  configure(command) {
    command
      .argument('<pid>', 'process ID of a Node.js process')
      .addOption(attachOption())
      .addOption(sigusr1Option())
      .addOption(jsonOption());
  },
  async run([pidText], options) {
    const pid = toPid(pidText!);
    await withTarget(pid, options, async (connection) => {
      const threads = await takeWhy(connection);
      if (options.json) printJson(asJson(connection, threads));
      else process.stdout.write(asText(connection, threads));
    });
    return EXIT.done;
  },
};

function asJson({ hello }: Connection, threads: readonly WhyThread[]): object {
  const { pid, argv, nodeVersion, level, uptimeMs } = hello;
  return { schema: 'evdiag-why/1', pid, argv, nodeVersion, level, uptimeMs, threads };
}

function asText({ hello }: Connection, threads: readonly WhyThread[]): string {
  const paint = painter(hasColor(process.stdout));
  const { pid, nodeVersion, uptimeMs } = hello;
  const facts = `pid ${pid} · Node ${nodeVersion.replace(/^v/, '')} · up ${formatMs(uptimeMs)}`;
  const head = [paint(stripControl(commandText(hello.argv)), 'bold'), paint(stripControl(facts), 'dim')];
  return `${head.join('\n')}\n\n${whyText(threads, { paint })}`;
}
