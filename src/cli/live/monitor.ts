/** One line per process, again and again, from the rows that its agent sends. */
import type { Connection } from '../../attach/connect.ts';
import { type Watching, watchRows } from '../../attach/watch-rows.ts';
import { END_SIGNALS, type EndSignal, exitCodeOf } from '../../util/end-signals.ts';
import { toJsonLine } from '../../util/text.ts';
import { EXIT } from '../types.ts';
import { type Crowd, gather } from './crowd.ts';
import { monitorHeader, monitorLine } from './monitor-text.ts';
import { MonitoredProcess } from './monitored-process.ts';

export interface MonitorOptions {
  everyMs: number;
  json: boolean;
}

/** Of lines, between two headers on a terminal. */
const HEADER_EVERY = 30;

/** Prints until all processes have ended, or until a signal comes; resolves to the exit code. */
export function monitorCrowd(crowd: Crowd, { everyMs, json }: MonitorOptions): Promise<number> {
  return new Promise((resolve) => {
    const processes = new Set<MonitoredProcess>();
    const print = json ? printJsonLine : createPrinter();
    let timer: NodeJS.Timeout | null = null;
    let over = false;
    const end = (exitCode: number): void => {
      over = true;
      for (const signal of END_SIGNALS) process.off(signal, onSignal);
      process.stdout.off('error', onClosed);
      if (timer) clearInterval(timer);
      gathering.stop();
      resolve(exitCode);
    };
    const onSignal = (signal: NodeJS.Signals): void => end(exitCodeOf(signal as EndSignal));
    const onClosed = (): void => end(EXIT.done);
    for (const signal of END_SIGNALS) process.on(signal, onSignal);
    process.stdout.on('error', onClosed);
    const attend = (connection: Connection): Promise<unknown> => {
      const watching: Watching = watchRows(connection, () => {});
      const one = new MonitoredProcess(connection.hello, () => watching.recordings());
      processes.add(one);
      print(one.event(crowd.known.includes(connection) ? 'found' : 'appeared'));
      return watching.ended.catch((error: unknown) => {
        processes.delete(one);
        // Not where it is we who leave.
        if (!over) print(one.event('ended'));
        throw error;
      });
    };
    const gathering = gather(crowd, attend, () => end(EXIT.done));
    timer = setInterval(() => {
      for (const one of [...processes].sort((a, b) => a.pid - b.pid)) print(one.sample());
    }, everyMs);
  });
}

type Print = (line: ReturnType<MonitoredProcess['sample' | 'event']>) => void;

const printJsonLine: Print = (line) => {
  process.stdout.write(toJsonLine(line));
};

function createPrinter(): Print {
  let lines = 0;
  return (line) => {
    if (lines === 0 || (process.stdout.isTTY && lines % HEADER_EVERY === 0)) process.stdout.write(monitorHeader());
    lines++;
    process.stdout.write(monitorLine(line));
  };
}
