import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Origin, ThreadProfile } from '../../profile/types.ts';
import { OLDER_FILE, RECORDING_FILE, recordingFolder } from '../../recording/paths.ts';
import { type Family, readFamily } from '../../recording/reader.ts';
import type { Recording } from '../../recording/types.ts';
import { InputError } from '../../util/input-error.ts';

/** The recording of the thread that a profile is of, and the family it belongs to. */
export interface MatchedRecording {
  family: Family;
  recording: Recording;
  /** When the profile began, in ms of the recording. */
  atMs: number;
}

/** An origin whose clock is known. */
type Timed = Origin & { startUs: number };

const NAME_IT = 'Name the recording with --recording DIR.';

/**
 * Finds the recording of a profile: the one that is given, the one that the profile lies beside, or the only one of that
 * process and time in the folders of recordings. Throws InputError.
 */
export function recordingOf(path: string, thread: ThreadProfile, given?: string): MatchedRecording {
  const { origin } = thread;
  if (!origin || origin.startUs === null) {
    throw new InputError(
      `"${path}" does not say when it was taken. A .cpuprofile of "evdiag profile" or of Node's --cpu-prof does, unless something was cut out of it.`,
    );
  }
  const of: Timed = { ...origin, startUs: origin.startUs };
  const spanMs = (thread.taken?.spanUs ?? 0) / 1000;
  if (given !== undefined) return only(given, matching(readFamily(given), of, spanMs), of);
  const beside = dirname(resolve(path));
  if (existsSync(join(beside, RECORDING_FILE)) || existsSync(join(beside, OLDER_FILE)))
    return only(beside, matching(familyAround(beside), of, spanMs, beside), of);
  if (of.pid === null) throw new InputError(`"${path}" does not say which process it is from. ${NAME_IT}`);
  const found = foldersOf(of.pid, beside).flatMap((folder) => matching(readFamily(folder), of, spanMs));
  if (found.length === 0)
    throw new InputError(`No recording of process ${of.pid} from the time of "${path}" is here. ${NAME_IT}`);
  return only(path, found, of);
}

/** A recording's folder is part of its family's: findings are those of all its threads. */
function familyAround(folder: string): Family {
  const name = basename(folder);
  return /^(main|worker)-\d+/.test(name) ? readFamily(dirname(folder)) : readFamily(folder);
}

function matching(family: Family, of: Timed, spanMs: number, folder?: string): MatchedRecording[] {
  return family.recordings
    .filter(({ header, path }) => {
      if (folder !== undefined && path !== null) return resolve(path) === folder;
      return (of.pid ?? header.pid) === header.pid && (of.threadId ?? 0) === header.threadId;
    })
    .map((recording) => ({ family, recording, atMs: of.startUs / 1000 - recording.header.startMonotonicMs }))
    .filter(({ recording, atMs }) => atMs < recording.durationMs && atMs + spanMs > 0);
}

function only(where: string, found: readonly MatchedRecording[], { pid }: Timed): MatchedRecording {
  const [first, second] = found;
  if (first && !second) return first;
  const process = pid === null ? 'that thread' : `that thread of process ${pid}`;
  if (!first)
    throw new InputError(
      `The recording in "${where}" is not of ${process}, or not of the time of the profile. ${NAME_IT}`,
    );
  const names = found.slice(0, 4).map(({ recording }) => recording.path ?? '');
  throw new InputError(`Several recordings fit "${where}": ${names.join(', ')}. Choose one with --recording DIR.`);
}

/** Families in which the process is, beside the profile and where recordings go to. */
function foldersOf(pid: number, beside: string): string[] {
  const roots = [process.env.EVDIAG_OUT || '.evdiag', join(beside, '.evdiag')].map((root) => resolve(root));
  return [...new Set(roots)]
    .flatMap((root) => subfolders(root).map((name) => join(root, name)))
    .filter((family) => existsSync(recordingFolder(family, pid)));
}

function subfolders(root: string): string[] {
  try {
    return readdirSync(root, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return []; // There is none.
  }
}
