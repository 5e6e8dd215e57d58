/**
 * Has clinic doctor's own analysis judge a folder, in a process of its own: it needs a second of CPU time and more, and may not end. Started
 * with the folder of the package @clinic/doctor and the folder that it would have collected. Built as dist/clinic-judge.cjs.
 */
import { createReadStream } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import type { Duplex, Readable } from 'node:stream';
import type { Analysis, Answer } from './types.ts';

const [packageFolder = '', folder = ''] = process.argv.slice(2);
const require = createRequire(join(packageFolder, 'package.json'));
const load = (file: string) => require(join(packageFolder, file));

process.on('disconnect', () => process.exit());
// Its own log on stdout is nobody's.
judge().then(answer, (error) => answer({ error: error instanceof Error ? error.message : String(error) }));

async function judge(): Promise<Answer> {
  const SystemInfo = load('format/system-info-decoder.js');
  const TraceEvents = load('format/trace-event-decoder.js');
  const ProcessStats = load('format/process-stat-decoder.js');
  const Judge = load('analysis/index.js');
  const systemInfo = opened('systeminfo', new SystemInfo());
  const traceEvents = opened('traceevent', new TraceEvents(systemInfo));
  const processStats = opened('processstat', new ProcessStats());
  const analysis: Readable = new Judge(systemInfo, traceEvents, processStats);
  const failed = [systemInfo, traceEvents, processStats, analysis].map(
    (stream) => new Promise<never>((_, reject) => stream.on('error', reject)),
  );
  const judged = new Promise<Analysis>((resolve, reject) => {
    analysis.on('data', resolve).on('end', () => reject(new Error('it gave no result')));
  });
  const version: string = load('package.json').version;
  return { version, analysis: await Promise.race([judged, ...failed]) };
}

function opened(what: string, decoder: Duplex): Duplex {
  const source = createReadStream(join(folder, `${basename(folder)}-${what}`));
  source.on('error', (error) => decoder.destroy(error));
  return source.pipe(decoder);
}

function answer(result: Answer): void {
  process.send?.(result, () => process.exit());
}
