import { resolve } from 'node:path';
import { Option } from 'commander';
import { askLevel } from '../../attach/ask-level.ts';
import { attach as attachTo } from '../../attach/attach.ts';
import { type Connection, connectIfThere } from '../../attach/connect.ts';
import { TargetError } from '../../attach/target-error.ts';
import type { Level } from '../../recording/types.ts';
import { formatMs } from '../../util/text.ts';
import { forOption, jsonOption, numberBetween, sigusr1Option, toPid } from '../options.ts';
import { complain, printJson } from '../output.ts';
import { progressLine } from '../progress.ts';
import { visitEnvironment, windowText } from '../target/visit.ts';
import { type CliCommand, EXIT } from '../types.ts';

interface Options {
  level: Level;
  for?: number;
  out?: string;
  record: boolean;
  timeout: number;
  sigusr1?: boolean;
  json?: boolean;
}

const TIMEOUT_S = 30;
const MAX_FOR_MS = 7 * 24 * 3600e3;

export const attach: CliCommand<Options> = {
  id: 'attach',
  summary: 'load the agent into a running process that was started without it',
  examples: [
    'evdiag attach 4711',
    'evdiag attach 4711 --level diagnose --for 60s && evdiag top 4711',
    'evdiag attach 4711 --out /var/tmp/evdiag',
    'evdiag attach 4711 --no-record --json',
  ],
  configure(command) {
    command
      .argument('<pid>', 'process ID of a Node.js process, 20.11 or later')
      .addOption(
        new Option('--level <level>', "budget of a thread's time: watch 0.5 %, diagnose 5 %")
          .choices(['watch', 'diagnose'])
          .default('watch'),
      )
      .addOption(
        forOption('leave after this time, such as 60s, 10m or 2h (default: stay until "evdiag detach")', MAX_FOR_MS),
      )
      .option('--out <folder>', 'folder for the recording (default: .evdiag in the working folder of the process)')
      .option('--no-record', 'write no recording')
      .option(
        '--timeout <seconds>',
        'how long the main thread may stay inside a native call',
        numberBetween(0.1, 3600),
        TIMEOUT_S,
      )
      .addOption(sigusr1Option())
      .addOption(jsonOption());
  },
  async run([pidText = ''], options) {
    const pid = toPid(pidText);
    const there = await connected(pid);
    if (there) return tellAgain(there, options);
    const { connection, windowMs, port } = await load(pid, options);
    try {
      tell(connection, windowMs, port, options);
      return EXIT.done;
    } finally {
      connection.close();
    }
  },
};

/** Null where there is no agent. */
async function connected(pid: number): Promise<Connection | null> {
  try {
    return await connectIfThere(pid);
  } catch (error) {
    if (error instanceof TargetError && error.code === 'no-agent') return null;
    throw error;
  }
}

async function load(pid: number, { level, for: forMs, out, record, timeout, sigusr1 }: Options) {
  const progress = progressLine();
  const stop = new AbortController();
  const interrupted = (): void => stop.abort();
  process.once('SIGINT', interrupted);
  try {
    return await attachTo(pid, {
      env: { ...visitEnvironment(level), ...(out !== undefined && { EVDIAG_OUT: resolve(out) }) },
      aloneMs: null,
      forMs: forMs ?? null,
      record,
      force: sigusr1 === true,
      timeoutMs: timeout * 1000,
      signal: stop.signal,
      onProgress: progress.show,
    });
  } finally {
    progress.clear();
    process.off('SIGINT', interrupted);
  }
}

function tell(
  { hello }: Connection,
  windowMs: number | null,
  port: number | null,
  { level, for: time, record, json }: Options,
): void {
  const forMs = time ?? null;
  const { pid, nodeVersion } = hello;
  const recording = record ? hello.family : null;
  if (json) {
    printJson({ schema: 'evdiag-attach/1', pid, nodeVersion, level, isNew: true, port, windowMs, recording, forMs });
    return;
  }
  const stays = forMs === null ? `until "evdiag detach ${pid}"` : `for ${formatMs(forMs)}`;
  complain(
    `The agent was loaded into process ${pid} (Node ${nodeVersion.slice(1)}, level ${level})${windowText(windowMs, port)}.`,
  );
  complain(`It stays ${stays}${recording === null ? '' : `, and records in "${recording}"`}.`);
}

async function tellAgain(connection: Connection, { level, json }: Options): Promise<number> {
  const { pid, nodeVersion, family } = connection.hello;
  try {
    await askLevel(connection, level);
  } finally {
    connection.close();
  }
  if (json) {
    const none = { port: null, windowMs: null, forMs: null };
    printJson({ schema: 'evdiag-attach/1', pid, nodeVersion, level, isNew: false, ...none, recording: family });
  } else complain(`Process ${pid} runs with the agent already. Its level is ${level} now.`);
  return EXIT.done;
}
