/** The profiles beside a recording, for the terminal UI. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readProfile } from '../../profile/read-profile.ts';
import { threadName } from '../../recording/thread-name.ts';
import type { Recording } from '../../recording/types.ts';
import type { ProfiledThread, ShownProfile } from '../../tui/state/types.ts';
import { InputError } from '../../util/input-error.ts';
import { readRegular } from '../../util/regular-file.ts';
import { displayPath } from '../../util/text.ts';

const PROFILE = /\.(cpuprofile|heapprofile)$/;
/** Of one thread; the newest. */
const MAX_FILES = 50;
/** This much is read for their times, the newest first; the times of others are known when they are shown. */
const MAX_LOOK_BYTES = 64 << 20;
/** A profile begins and ends at most this far outside of its recording. */
const SLACK_MS = 60_000;

/** Those of all threads, the newest first; only their times have been read. */
export function recordedProfiles(recordings: readonly Recording[]): ShownProfile[] {
  const found = recordings.flatMap((recording) => {
    const { path, foreign } = recording;
    if (path === null || foreign !== undefined) return [];
    const files = filesIn(path)
      .filter((name) => PROFILE.test(name))
      .map((name) => ({ file: join(path, name), name, ...statsOf(join(path, name)) }))
      .sort((a, b) => b.changedMs - a.changedMs || (a.name < b.name ? 1 : -1))
      .slice(0, MAX_FILES);
    return files.map(({ file, name, changedMs, bytes }) => ({ recording, file, name, changedMs, bytes }));
  });
  let left = MAX_LOOK_BYTES;
  return found
    .sort((a, b) => b.changedMs - a.changedMs)
    .map(({ recording, file, name, bytes }) => {
      left -= bytes;
      return {
        ...{ id: file, name, pid: recording.header.pid, profile: null, problem: null },
        threads: [threadOf(recording, left >= 0 ? textOf(file) : '')],
      };
    });
}

/** The same one, read; it says what is wrong with the file. */
export function readRecorded(of: ShownProfile, recordings: readonly Recording[]): ShownProfile {
  const threadId = of.threads[0]?.threadId ?? 0;
  const recording = recordings.find(({ header }) => header.pid === of.pid && header.threadId === threadId);
  try {
    const profile = readProfile(of.id);
    const threads = profile.threads.map((thread) => ({ ...thread, name: threadName(threadId) }));
    const [known] = of.threads;
    const times = known && known.spanMs === 0 && recording ? threadOf(recording, textOf(of.id)) : known!;
    return { ...of, profile: { ...profile, threads: threads.slice(0, 1) }, threads: [times] };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { ...of, problem: error.message.replaceAll(of.id, displayPath(of.id)) };
  }
}

/** V8 gives times in µs of the clock in the recording's header; other tools may begin at any number. */
function threadOf({ header, durationMs }: Recording, text: string): ProfiledThread {
  const time = (name: string): number =>
    Number(new RegExp(`"${name}":\\s*(\\d+)`).exec(text)?.[1] ?? Number.NaN) / 1000;
  const [startMs, endMs] = [time('startTime'), time('endTime')];
  const fromMs = startMs - header.startMonotonicMs;
  const isIts = fromMs >= -SLACK_MS && fromMs <= durationMs + SLACK_MS;
  return {
    threadId: header.threadId,
    startMonotonicMs: isIts ? startMs : null,
    spanMs: endMs > startMs ? endMs - startMs : 0,
  };
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function statsOf(file: string): { changedMs: number; bytes: number } {
  try {
    const { mtimeMs, size } = statSync(file);
    return { changedMs: mtimeMs, bytes: size };
  } catch {
    return { changedMs: 0, bytes: 0 };
  }
}

/** '' if it cannot be read, which is said when it is shown. */
function textOf(file: string): string {
  try {
    return readRegular(file, MAX_LOOK_BYTES)?.toString('latin1') ?? '';
  } catch {
    return '';
  }
}
