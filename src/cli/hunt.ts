/** A leak report from whatever it can be made of. */
import { analyseSnapshots, type SnapshotInput } from '../leaks/analyse.ts';
import type { LeakReport } from '../leaks/types.ts';
import { threadName } from '../recording/thread-name.ts';
import { toJson } from '../util/text.ts';
import type { LeakInput } from './leak-input.ts';
import { progressLine, TimeLeft } from './progress.ts';
import { requireMemory } from './reading-memory.ts';
import { allocationNotes, leaksOfRecording, workBetween } from './recording-leaks.ts';
import { savedReport } from './saved-leaks.ts';
import { type SnapshotOptions, withSnapshots } from './take-snapshots.ts';
import { writePrivate } from './write-file.ts';

/** Null where the user does not want the process to be paused. Throws InputError and TargetError. */
export async function leakReport(input: LeakInput, options: SnapshotOptions): Promise<LeakReport | null> {
  if (input.kind === 'recording') return leaksOfRecording(input.path);
  if (input.kind === 'report') return savedReport(input.path);
  if (input.kind === 'snapshots') {
    const files = input.files.map((file) => ({ file }));
    if (!options.force) requireMemory(input.files);
    return analysed(files, 'snapshots');
  }
  return ofProcess(input.pid, options);
}

function ofProcess(pid: number, options: SnapshotOptions): Promise<LeakReport | null> {
  return withSnapshots(pid, options, async (taken, { threadId, family, kept }) => {
    // First: a recording may be removed.
    const notes = allocationNotes(family, pid, threadId);
    const found = await analysed(taken, 'process');
    // Last: the rows of the end are there by now.
    const times = taken
      .map(({ takenAtMs }) => takenAtMs!)
      .filter((time) => time >= taken.at(-1)!.takenAtMs! - (found.spanMs ?? 0));
    const work = found.spanMs === null ? null : workBetween(family, { pid, threadId }, times);
    const thread = threadId === 0 ? {} : { thread: threadName(threadId) };
    const report = { ...found, ...thread, work, notes: [...notes, ...found.notes] };
    if (kept !== null) writePrivate(kept, [`${toJson(report)}\n`]);
    return report;
  });
}

async function analysed(inputs: readonly SnapshotInput[], input: 'snapshots' | 'process'): Promise<LeakReport> {
  const progress = progressLine();
  const left = new TimeLeft();
  let last = 0;
  try {
    return await analyseSnapshots(inputs, {
      input,
      onProgress(words, share) {
        if (share < 1 && Date.now() - last < 100) return;
        last = Date.now();
        progress.show(share < 1 ? `${words}: ${Math.floor(share * 100)} %${left.text(words, share, last)}` : words);
      },
    });
  } finally {
    progress.clear();
  }
}
