/** What is said of the threads at the end. It brings all rules with it: see the watchdog for when it is loaded. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { judge } from '../../src/detectors/judge.ts';
import { RECORDING_FILE } from '../../src/recording/paths.ts';
import type { Recording } from '../../src/recording/types.ts';
import { summarize } from '../../src/report/summary.ts';
import { isWrapper } from '../../src/report/wrapper.ts';
import { printLine } from '../../src/util/print-line.ts';
import { headersIn } from './family-headers.ts';
import type { Observation } from './observation.ts';
import type { Storage } from './storage.ts';

/** Whether something was found in that thread. */
export function hasFindings(recording: Recording): boolean {
  return judge(recording).findings.some(({ rule }) => rule !== 'recording-quality');
}

export function printSummary(storage: Storage, threads: readonly Observation[], family: string): void {
  const judged = threads.map((thread) => {
    const recording = thread.inMemory();
    return { recording, ...judge(recording) };
  });
  const written = threads[0]?.folder() ?? null;
  // It may have been removed permanently.
  const isThere = written !== null && storage.use(() => existsSync(join(written, RECORDING_FILE)));
  const folder = isThere ? written : null;
  const path = threads.length > 1 && folder ? family : folder;
  const [main] = judged;
  // A process that waits for another program, as npm does, leaves the summary to that one.
  const others = folder ? storage.use(() => headersIn(family, folder)) : undefined;
  if (main && others && isWrapper(main.recording, main.findings, others)) return;
  for (const line of summarize(judged, { path })) printLine(line);
}
