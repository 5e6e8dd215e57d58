import { type Connection, connect } from '../../attach/connect.ts';
import { type CpuProfiles, takeCpuProfiles } from '../../attach/take-cpu-profile.ts';
import { TargetError } from '../../attach/target-error.ts';
import { readCpuProfile } from '../../profile/read-cpuprofile.ts';
import { tableOf } from '../../profile/table.ts';
import { formatWeight, takenText } from '../../profile/taken-text.ts';
import type { Profile } from '../../profile/types.ts';
import { displayPath, stripControl } from '../../util/text.ts';
import { exporterFor, formatOption, leftOut } from '../export-profile.ts';
import { jsonOption, numberBetween, toPid } from '../options.ts';
import { complain, printJson } from '../output.ts';
import { type CliCommand, EXIT } from '../types.ts';
import { writePrivate } from '../write-file.ts';

interface Options {
  duration: number;
  interval: number;
  inlining?: boolean;
  thread?: string;
  output?: string;
  format?: string;
  json?: boolean;
}

/** What is told at once of the hottest functions. */
const TOLD = 3;

export const record: CliCommand<Options> = {
  id: 'record',
  summary: 'take a CPU profile of a running process, all its threads',
  examples: [
    'evdiag record 4711',
    'evdiag record 4711 -d 30 -o app.cpuprofile',
    'evdiag record 4711 -d 5 --interval 0.2 -o flame.html',
  ],
  configure(command) {
    command
      .argument('<pid>', 'number of the process; it runs with the agent')
      .option('-d, --duration <seconds>', 'for so long', numberBetween(0.1, 3600), 10)
      .option('-o, --output <file>', 'where to (default: PID.cpuprofile)')
      .addOption(formatOption())
      .option('--interval <ms>', 'mean time between two samples', numberBetween(0.05, 1000), 1)
      .option(
        '--inlining',
        'let V8 inline functions meanwhile: the program runs as fast as ever, their time counts as their callers’',
      )
      .option('--thread <name>', 'only that thread, "main" or "worker 2"')
      .addOption(jsonOption());
  },
  async run([pidText = ''], options) {
    const pid = toPid(pidText);
    const exporter = exporterFor(options.output, options.format, 'cpuprofile');
    const file = options.output ?? `${pid}.${exporter.extension}`;
    let connection: Connection | null = null;
    try {
      connection = await connect(pid);
      const profile = await profileOf(connection, options);
      const hint = leftOut(profile, exporter);
      writePrivate(file, exporter.write(profile));
      if (hint) complain(hint);
      if (options.json)
        printJson({
          file,
          format: exporter.id,
          threads: profile.threads.map(({ name, taken }) => ({ name, ...taken })),
        });
      else tell(file, profile);
      return EXIT.done;
    } catch (error) {
      if (!(error instanceof TargetError)) throw error;
      complain(error.message);
      return EXIT.target;
    } finally {
      connection?.close();
    }
  },
};

async function profileOf(connection: Connection, options: Options): Promise<Profile> {
  const durationMs = options.duration * 1000;
  const stop = showProgress(connection.hello.pid, durationMs);
  let taken: CpuProfiles;
  try {
    const request = { durationMs, intervalUs: options.interval * 1000, inlining: options.inlining === true };
    taken = await takeCpuProfiles(connection, request);
  } finally {
    stop();
  }
  for (const { threadId, problem } of taken.problems) complain(`No profile of ${nameOf(threadId)}: ${problem}.`);
  const threads = taken.threads.map(({ threadId, profile, intervalUs, warmCode, apart }) =>
    readCpuProfile(profile, { name: nameOf(threadId), taken: { interval: intervalUs, warmCode, apart } }),
  );
  const wanted = threads.filter(({ name }) => name.includes(options.thread ?? ''));
  if (wanted.length === 0)
    throw new TargetError(
      `No thread is named "${options.thread}". There are: ${threads.map(({ name }) => name).join(', ')}.`,
    );
  const title = connection.hello.argv.map((word) => displayPath(word)).join(' ');
  return { title: stripControl(title), kind: 'cpu', unit: 'us', threads: wanted };
}

function nameOf(threadId: number): string {
  return threadId === 0 ? 'main thread' : `worker ${threadId}`;
}

/** Counts down on a terminal. */
function showProgress(pid: number, durationMs: number): () => void {
  if (!process.stderr.isTTY) return () => {};
  const endAt = performance.now() + durationMs;
  const show = (): void => {
    const left = Math.max(0, Math.ceil((endAt - performance.now()) / 1000));
    process.stderr.write(`\r\x1b[Krecording process ${pid}: ${left} s left`);
  };
  show();
  const timer = setInterval(show, 250);
  return () => {
    clearInterval(timer);
    process.stderr.write('\r\x1b[K');
  };
}

function tell(file: string, profile: Profile): void {
  complain(`${file}: ${takenText(profile)}.`);
  const { all, rows } = tableOf(profile, 'function');
  for (const { name, location, self } of rows.filter((row) => row.self > 0).slice(0, TOLD)) {
    const place = location ? `  ${displayPath(location.file)}:${location.line}` : '';
    const share = all > 0 ? `${((100 * self) / all).toFixed(0)} %` : '';
    complain(`${share.padStart(5)} ${formatWeight(self, 'us').padStart(8)}  ${stripControl(name)}${place}`);
  }
  complain(`"evdiag stats ${file}" shows all, "evdiag flame ${file}" draws it.`);
}
