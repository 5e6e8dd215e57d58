import { judge } from '../../detectors/judge.ts';
import { type CaptureTrace, captureTrace } from '../../exporters/trace/capture-trace.ts';
import { traceEvents } from '../../exporters/trace/trace-events.ts';
import { MAX_EVENTS, type Trace, type TraceMarker } from '../../exporters/trace/types.ts';
import { MAX_CAPTURE_MS, type TracedThread } from '../../protocol/async-trace.ts';
import { readFamily } from '../../recording/reader.ts';
import { threadName } from '../../recording/thread-name.ts';
import type { Recording } from '../../recording/types.ts';
import { InputError } from '../../util/input-error.ts';
import { formatBytes, formatCount, formatMs, plural } from '../../util/text.ts';
import { attachOption, jsonOption, numberBetween, sigusr1Option, toPid } from '../options.ts';
import { complain, printJson } from '../output.ts';
import type { VisitOptions } from '../target/visit.ts';
import { problemsJson, reportProblems } from '../thread-problems.ts';
import { traceProcess } from '../trace-process.ts';
import { type CliCommand, EXIT } from '../types.ts';
import { freeName, writePrivate } from '../write-file.ts';

interface Options extends VisitOptions {
  output?: string;
  duration?: number;
  maxEvents: number;
  json?: boolean;
}

/** Events in one write. */
const CHUNK = 1000;
const DURATION_S = 5;
const VIEWERS = 'Open it in ui.perfetto.dev or chrome://tracing.';

export const trace: CliCommand<Options> = {
  id: 'trace',
  summary: 'write a timeline for ui.perfetto.dev and chrome://tracing, of a running process or of a recording',
  examples: [
    'evdiag trace 4711',
    'evdiag trace 4711 -d 10 -o slow.json',
    'evdiag trace .evdiag',
    'evdiag trace DIR -o - | gzip > trace.json.gz',
  ],
  configure(command) {
    command
      .argument('[input]', 'process ID, recording, or a folder of recordings (the newest one is used)', '.evdiag')
      .option(
        '-d, --duration <seconds>',
        `of a process: how long to trace (default: ${DURATION_S}). While it runs, a request costs an HTTP server 2 to 4 times the CPU time, an await 4 to 9 times; afterwards an await costs about 25 ns more`,
        numberBetween(0.1, MAX_CAPTURE_MS / 1000),
      )
      .option('-o, --output <file>', 'output file; - is stdout (default: trace-PID.json)')
      .option(
        '--max-events <number>',
        'write at most this many events: counters are thinned out, and the shortest operations are dropped',
        numberBetween(1000, 10_000_000),
        MAX_EVENTS,
      )
      .addOption(attachOption())
      .addOption(sigusr1Option())
      .addOption(jsonOption());
  },
  run([input = '.evdiag'], options) {
    if (/^\d+$/.test(input)) return ofProcess(toPid(input), options);
    if (options.duration !== undefined) {
      throw new InputError(`--duration is for a running process: give its process ID instead of "${input}".`);
    }
    return ofRecording(input, options);
  },
};

function ofRecording(input: string, { output, maxEvents, json }: Options): number {
  const { recordings } = readFamily(input);
  const made = traceEvents(recordings, recordings.flatMap(markersOf), maxEvents);
  const { file, bytes } = write(made, output, recordings[0]!.header.pid);
  if (file === null) return EXIT.done;
  if (json) printJson({ file, events: made.events.length, dropped: made.dropped, bytes });
  else {
    const less = made.dropped > 0 ? `, thinned out by ${plural(made.dropped, 'event')}` : '';
    complain(`${file}: ${plural(made.events.length, 'event')}, ${formatBytes(bytes)}${less}. ${VIEWERS}`);
  }
  return EXIT.done;
}

async function ofProcess(pid: number, options: Options): Promise<number> {
  const { output, duration = DURATION_S, maxEvents, json } = options;
  const { process: observed, threads, problems, recordings } = await traceProcess(pid, duration * 1000, options);
  const made = captureTrace(observed, threads, recordings, recordings.flatMap(markersOf), maxEvents);
  reportProblems('trace', problems);
  const { file, bytes } = write(made, output, pid);
  const { lanes, leftOut, dropped, events } = made;
  if (json && file !== null) {
    const summaries = threads.map(({ types: _types, sites: _sites, events: captured, ...about }) => about);
    printJson({
      file,
      events: events.length,
      lanes,
      dropped,
      leftOut,
      bytes,
      threads: summaries,
      problems: problemsJson(problems),
    });
  } else printSummary(made, threads, file, bytes);
  return EXIT.done;
}

/** First the results, then the problems. */
function printSummary(made: CaptureTrace, threads: readonly TracedThread[], file: string | null, bytes: number): void {
  const runs = made.events.filter(({ ph, cat }) => ph === 'X' && cat !== 'stall' && cat !== 'gc').length;
  const what = `${plural(made.lanes, 'operation')} and ${plural(runs, 'callback')}`;
  if (file !== null) complain(`${file}: ${what} in ${formatMs(threads[0]!.spanMs)}, ${formatBytes(bytes)}. ${VIEWERS}`);
  for (const { threadId, fullMs, dropped } of threads) {
    const who = threadName(threadId);
    if (fullMs !== null) complain(`The ${who} filled the trace after ${formatMs(fullMs)}: later events are missing.`);
    if (dropped > 0) complain(`The ${who} was too fast: ${formatCount(dropped)} of its events were lost.`);
  }
  const { lanes, runs: callbacks, flows } = made.leftOut;
  if (lanes + callbacks + flows > 0) {
    const less = [plural(lanes, 'operation'), plural(callbacks, 'callback'), plural(flows, 'flow')].join(', ');
    complain(`Left out, the shortest first: ${less}. --max-events takes more.`);
  }
}

/** The file is null if everything went to stdout. */
function write(made: Trace, output: string | undefined, pid: number): { file: string | null; bytes: number } {
  const file = output ?? freeName(`trace-${pid}`, 'json');
  if (file !== '-') return { file, bytes: writePrivate(file, chunksOf(made)) };
  for (const text of chunksOf(made)) process.stdout.write(text);
  return { file: null, bytes: 0 };
}

/** Each finding where it was first seen. */
function markersOf(recording: Recording): TraceMarker[] {
  const { pid, threadId } = recording.header;
  return judge(recording).findings.map(({ rule, severity, message, remedy, location, confidence, span }) => ({
    pid,
    threadId,
    atMs: span?.firstMs ?? recording.durationMs,
    name: `${severity}: ${rule}`,
    args: { message, remedy, at: location ? `${location.file}:${location.line}` : '', confidence },
  }));
}

function* chunksOf({ events, dropped }: Trace): Generator<string> {
  yield `{"displayTimeUnit":"ms","otherData":{"writer":"evdiag","dropped":${dropped}},"traceEvents":[`;
  for (let i = 0; i < events.length; i += CHUNK) {
    const part = events.slice(i, i + CHUNK).map((event) => JSON.stringify(event));
    yield `${i > 0 ? ',' : ''}\n${part.join(',\n')}`;
  }
  yield '\n]}\n';
}
