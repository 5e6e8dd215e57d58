import { judge } from '../../detectors/judge.ts';
import { traceEvents } from '../../exporters/trace/trace-events.ts';
import { MAX_EVENTS, type Trace, type TraceMarker } from '../../exporters/trace/types.ts';
import { readFamily } from '../../recording/reader.ts';
import type { Recording } from '../../recording/types.ts';
import { formatBytes, plural } from '../../util/text.ts';
import { jsonOption, numberBetween } from '../options.ts';
import { complain, printJson } from '../output.ts';
import { type CliCommand, EXIT } from '../types.ts';
import { freeName, writePrivate } from '../write-file.ts';

interface Options {
  output?: string;
  maxEvents: number;
  json?: boolean;
}

/** Events in one write. */
const CHUNK = 1000;

export const trace: CliCommand<Options> = {
  id: 'trace',
  summary: 'a timeline of a recording, for ui.perfetto.dev and chrome://tracing',
  examples: ['evdiag trace', 'evdiag trace .evdiag -o slow.json', 'evdiag trace DIR -o - | gzip > trace.json.gz'],
  configure(command) {
    command
      .argument('[input]', 'recording, family of recordings, or folder of them (then the newest)', '.evdiag')
      .option('-o, --output <file>', 'where to; - is stdout (default: trace-PID.json)')
      .option(
        '--max-events <number>',
        'thin out a long recording to so many events',
        numberBetween(1000, 10_000_000),
        MAX_EVENTS,
      )
      .addOption(jsonOption());
  },
  run([input = '.evdiag'], { output, maxEvents, json }) {
    const { recordings } = readFamily(input);
    const made = traceEvents(recordings, recordings.flatMap(markersOf), maxEvents);
    const file = output ?? freeName(`trace-${recordings[0]!.header.pid}`, 'json');
    if (file === '-') {
      for (const text of chunksOf(made)) process.stdout.write(text);
      return EXIT.done;
    }
    const bytes = writePrivate(file, chunksOf(made));
    if (json) printJson({ file, events: made.events.length, dropped: made.dropped, bytes });
    else {
      const less = made.dropped > 0 ? `, thinned out by ${plural(made.dropped, 'event')}` : '';
      complain(
        `${file}: ${plural(made.events.length, 'event')}, ${formatBytes(bytes)}${less}. Open it in ui.perfetto.dev or chrome://tracing.`,
      );
    }
    return EXIT.done;
  },
};

/** Each finding where it was first seen. */
function markersOf(recording: Recording): TraceMarker[] {
  const { pid, threadId } = recording.header;
  return judge(recording).findings.map(({ rule, severity, message, remedy, location, confidence, evidence }) => ({
    pid,
    threadId,
    atMs: typeof evidence.firstMs === 'number' ? evidence.firstMs : recording.durationMs,
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
