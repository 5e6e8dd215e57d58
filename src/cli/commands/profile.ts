import type { Connection } from '../../attach/connect.ts';
import type { ThreadProblem } from '../../attach/gather-threads.ts';
import { takeAllocationProfiles } from '../../attach/take-allocation-profile.ts';
import { loadedMapper, urlsIn } from '../../attach/take-loaded-maps.ts';
import { TargetError } from '../../attach/target-error.ts';
import { mergeByName } from '../../profile/merge.ts';
import { readHeapProfile } from '../../profile/read-heapprofile.ts';
import { tableOf } from '../../profile/table.ts';
import { formatWeight, takenText } from '../../profile/taken-text.ts';
import type { Profile, ThreadProfile } from '../../profile/types.ts';
import { MAX_RECENT_MS } from '../../protocol/profile-parts.ts';
import { threadName } from '../../recording/thread-name.ts';
import { InputError } from '../../util/input-error.ts';
import { displayPath, plural, stripControl } from '../../util/text.ts';
import { attachOption, jsonOption, numberBetween, sigusr1Option } from '../options.ts';
import { complain, printJson } from '../output.ts';
import { exporterFor, formatOption, leftOut } from '../profile/export-profile.ts';
import { type Recorded, recordCpu, recordRecent } from '../profile/record-profile.ts';
import { countDown } from '../progress.ts';
import { askEach, type HerdOptions, type Missed, targetsOf } from '../target/herd.ts';
import { reach, type Visit } from '../target/visit.ts';
import { problemsJson, reportProblems } from '../thread-problems.ts';
import { type CliCommand, EXIT } from '../types.ts';
import { freeName, writePrivate } from '../write-file.ts';

interface Options extends HerdOptions {
  allocations?: boolean;
  live?: boolean;
  last?: number;
  every?: number;
  duration?: number;
  interval?: number;
  inlining?: boolean;
  thread?: string;
  output?: string;
  format?: string;
  json?: boolean;
}

/** Formats that evdiag can read. */
const READABLE = ['collapsed', 'cpuprofile', 'pprof', 'speedscope'];
/** How many of the hottest functions are printed. */
const PRINTED_FUNCTIONS = 3;
const DURATION_S = 10;
const INTERVAL_MS = 1;
const EVERY_BYTES = 2 ** 16;

export const profile: CliCommand<Options> = {
  id: 'profile',
  aliases: ['record'],
  summary: 'take a CPU or allocation profile of a running process, all threads',
  examples: [
    'evdiag profile 4711',
    'evdiag profile 4711 -d 30 -o app.cpuprofile',
    'evdiag profile 4711 -d 5 --interval 0.2 -o flame.html',
    'evdiag profile 4711 --last 30 -o flame.html',
    'evdiag profile --all -d 10 -o cluster.cpuprofile',
    'evdiag profile 4711 --allocations --live -d 60 -o kept.heapprofile',
  ],
  configure(command) {
    command
      .argument('[pid]', 'process ID of a Node.js process')
      .option(
        '--all',
        'all processes that run with the agent, threads of one name as one; with --attach also those that run without',
      )
      .option('-d, --duration <seconds>', `how long to record (default: ${DURATION_S})`, numberBetween(0.1, 3600))
      .option(
        '--last <seconds>',
        `show what the main thread did in the last seconds, at most ${MAX_RECENT_MS / 1000}`,
        numberBetween(0.1, MAX_RECENT_MS / 1000),
      )
      .option('-o, --output <file>', 'output file (default: PID.cpuprofile or PID.heapprofile, or PID-2 …)')
      .addOption(formatOption())
      .option('--allocations', 'sample allocations instead of CPU time; ends with a full garbage collection')
      .option('--live', 'with --allocations: only what is still alive at the end')
      .option(
        '--every <bytes>',
        `with --allocations: mean bytes between two samples (default: ${EVERY_BYTES})`,
        numberBetween(1024, 2 ** 26),
      )
      .option('--interval <ms>', `mean time between two samples (default: ${INTERVAL_MS})`, numberBetween(0.05, 1000))
      .option(
        '--inlining',
        'let V8 inline functions while recording: full speed, but the time of inlined functions counts for their callers',
      )
      .option('--thread <name>', 'only this thread, e.g. "main" or "worker 2"')
      .addOption(attachOption())
      .addOption(sigusr1Option())
      .addOption(jsonOption());
  },
  async run([pidText], options) {
    if (options.live && !options.allocations) throw new InputError('Add --allocations: --live needs it.');
    checkLast(options);
    const own = options.allocations ? 'heapprofile' : 'cpuprofile';
    const exporter = exporterFor(options.output, options.format, own);
    const pids = await targetsOf(pidText, options);
    const file = options.output ?? freeName(options.all ? 'all' : String(pids[0]), exporter.extension);
    const { profile: taken, problems, missed } = await profileAll(pids, options);
    const hint = leftOut(taken, exporter);
    writePrivate(file, [exporter.write(taken)]);
    if (hint) complain(hint);
    if (options.json)
      printJson({
        file,
        format: exporter.id,
        threads: taken.threads.map(({ name, taken: samples }) => ({ name, ...samples })),
        problems: problemsJson(problems),
        ...(options.all && { processes: pids.length - missed.length, missed }),
      });
    else printSummary(file, exporter.id, taken);
    return EXIT.done;
  },
};

/** Agents are loaded one after the other, as each opens the same port; all record at once. */
async function profileAll(
  pids: readonly number[],
  options: Options,
): Promise<{ profile: Profile; problems: ThreadProblem[]; missed: Missed[] }> {
  const { got: visits, missed } = await askEach(pids, (pid) => reach(pid, options), { atOnce: false });
  try {
    const byPid = new Map(visits.map((visit) => [visit.connection.hello.pid, visit]));
    const record = (pid: number) => profileOfVisit(byPid.get(pid)!, options);
    const taken = await askEach([...byPid.keys()], record, { atOnce: true });
    const [first] = taken.got;
    const problems = taken.got.flatMap((one) => one.problems);
    const all = [...missed, ...taken.missed];
    if (taken.got.length === 1) return { profile: first!.profile, problems, missed: all };
    const threads = mergeByName(taken.got.flatMap(({ profile: { threads: some } }) => some));
    return {
      profile: { ...first!.profile, title: plural(taken.got.length, 'process', 'processes'), threads },
      problems,
      missed: all,
    };
  } finally {
    await Promise.all(visits.map((visit) => visit.end()));
  }
}

function profileOfVisit({ connection, isNew }: Visit, options: Options) {
  if (!isNew || !options.last) return profileOf(connection, options);
  throw new TargetError(
    `The agent has just been loaded into process ${connection.hello.pid}: it has seen nothing of the past. Record with -d.`,
  );
}

/** The past cannot be sampled for longer or more often. Throws InputError. */
function checkLast({ last, allocations, duration, interval, inlining }: Options): void {
  const others = { '-d': duration, '--allocations': allocations, '--interval': interval, '--inlining': inlining };
  const [other] = Object.entries(others).find(([, value]) => value !== undefined) ?? [];
  if (last === undefined || other === undefined) return;
  throw new InputError(`Leave out --last or ${other}: --last shows the past, ${other} configures a new recording.`);
}

async function profileOf(
  connection: Connection,
  options: Options,
): Promise<{ profile: Profile; problems: ThreadProblem[] }> {
  const { allocations, last, duration = DURATION_S } = options;
  const stop = last ? () => {} : countDown(`recording process ${connection.hello.pid}`, duration * 1000);
  try {
    const take = last ? lastOf : allocations ? allocationsOf : cpuOf;
    const { threads, problems, ...about } = await take(connection, options);
    stop();
    reportProblems('profile', problems);
    const title = connection.hello.argv.map((word) => displayPath(word)).join(' ');
    return { profile: { title: stripControl(title), ...about, threads: named(threads, options.thread) }, problems };
  } finally {
    stop();
  }
}

/** Ctrl-C ends it early; what was sampled by then is kept. */
async function cpuOf(connection: Connection, options: Options): Promise<Recorded> {
  const { duration = DURATION_S, interval = INTERVAL_MS, inlining } = options;
  const request = { durationMs: duration * 1000, intervalUs: interval * 1000, inlining: inlining === true };
  const endEarly = (): void => void connection.request('end-cpu-profile', {}).catch(() => {});
  process.once('SIGINT', endEarly);
  try {
    return await recordCpu(connection, request);
  } finally {
    process.off('SIGINT', endEarly);
  }
}

const lastOf = (connection: Connection, { last = 0 }: Options): Promise<Recorded> =>
  recordRecent(connection, last * 1000);

async function allocationsOf(connection: Connection, options: Options): Promise<Recorded> {
  const { duration = DURATION_S, every = EVERY_BYTES, live } = options;
  const request = { durationMs: duration * 1000, intervalBytes: every, live: live === true };
  const { threads, problems } = await takeAllocationProfiles(connection, request);
  const map = await loadedMapper(
    connection,
    threads.flatMap(({ text }) => urlsIn(text)),
  );
  const read = threads.map(({ threadId, text }) =>
    readHeapProfile(JSON.parse(text), { name: threadName(threadId), interval: every, map }),
  );
  return { kind: live ? 'in-use-space' : 'alloc-space', unit: 'bytes', threads: read, problems };
}

function named(threads: readonly ThreadProfile[], wanted = ''): ThreadProfile[] {
  const found = threads.filter(({ name }) => name.includes(wanted));
  if (found.length > 0) return found;
  const names = threads.map(({ name }) => name).join(', ');
  throw new TargetError(`No thread is named "${wanted}". There are: ${names}.`);
}

function printSummary(file: string, format: string, profile: Profile): void {
  complain(`${file}: ${takenText(profile)}.`);
  const { all, rows } = tableOf(profile, 'function');
  for (const { name, location, self } of rows.filter((row) => row.self > 0).slice(0, PRINTED_FUNCTIONS)) {
    const place = location ? `  ${displayPath(location.file)}:${location.line}` : '';
    const share = all > 0 ? `${((100 * self) / all).toFixed(0)} %` : '';
    complain(`${share.padStart(5)} ${formatWeight(self, profile.unit).padStart(8)}  ${stripControl(name)}${place}`);
  }
  if (READABLE.includes(format)) complain(`"evdiag stats ${file}" shows all, "evdiag flame ${file}" draws it.`);
}
