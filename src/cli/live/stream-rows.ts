import type { Connection } from '../../attach/connect.ts';
import { isRow } from '../../recording/validate.ts';
import { END_SIGNALS, type EndSignal, exitCodeOf } from '../../util/end-signals.ts';
import { toJsonLine } from '../../util/text.ts';
import { EXIT } from '../types.ts';
import { type Crowd, gather } from './crowd.ts';

/** The most that waits for a reader that does not read. */
const MAX_WAITING_BYTES = 16e6;

/**
 * Prints what the agents of the crowd record, one JSON object per line: of each thread its header, then its rows as in
 * a recording, with `pid` and `threadId`. Resolves to the exit code when all processes have ended, or by a signal.
 */
export function streamRows(crowd: Crowd): Promise<number> {
  return new Promise((resolve) => {
    const end = (exitCode: number): void => {
      for (const signal of END_SIGNALS) process.off(signal, onSignal);
      process.stdout.off('error', onClosed);
      gathering.stop();
      resolve(exitCode);
    };
    const onSignal = (signal: NodeJS.Signals): void => end(exitCodeOf(signal as EndSignal));
    const onClosed = (): void => end(EXIT.done);
    for (const signal of END_SIGNALS) process.on(signal, onSignal);
    process.stdout.on('error', onClosed);
    const print = createPrinter(process.stdout);
    const gathering = gather(
      crowd,
      (connection) => printRows(connection, print),
      () => end(EXIT.done),
    );
  });
}

type Print = (line: Record<string, unknown>) => void;

function printRows(connection: Connection, print: Print): Promise<unknown> {
  const { pid } = connection.hello;
  return connection.request(
    'watch',
    {},
    {
      onPart(part) {
        if (part.part === 'thread') print({ ...part.header });
        else for (const row of part.rows.filter(isRow)) print({ pid, threadId: part.threadId, ...row });
      },
    },
  );
}

/** Leaves out rows while too many wait, and says so afterwards, in a row of the same form. */
function createPrinter(stream: NodeJS.WriteStream): Print {
  let lost = 0;
  return (line) => {
    if (stream.writableLength > MAX_WAITING_BYTES) {
      lost++;
      return;
    }
    if (lost > 0) stream.write(toJsonLine({ t: line.t, type: 'dropped', rows: lost, why: 'the reader was too slow' }));
    lost = 0;
    stream.write(toJsonLine(line));
  };
}
