import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { headOf } from '../recording/file-kinds.ts';
import { InputError } from '../recording/reader.ts';
import { toPid } from './options.ts';

/** What a leak report is made from. */
export type LeakInput =
  | { kind: 'process'; pid: number }
  | { kind: 'snapshots'; files: string[] }
  | { kind: 'recording'; path: string }
  /** What `evdiag leaks --json` printed. */
  | { kind: 'report'; path: string };

const MAX_FILES = 3;
const NOTHING = 'Give a process ID, one to three .heapsnapshot files of one process, or a recording.';
const SNAPSHOT = /\.heapsnapshot$/;
/** As `evdiag leaks PID --out` names them: all of one hunt have the same beginning. */
const OF_HUNT = /^(?:heap|leaks)-\d+-\d{8}-\d{6}/;

/** Distinguishes process numbers, snapshots and recordings. Throws InputError. */
export function leakInput(operands: readonly string[]): LeakInput {
  const [first] = operands;
  if (first === undefined) throw new InputError(NOTHING);
  if (operands.length === 1 && /^-?[\d.]+$/.test(first) && !existsSync(first))
    return { kind: 'process', pid: toPid(first) };
  if (operands.length > MAX_FILES) {
    throw new InputError(`These are ${operands.length} files. Give the first, a middle and the last of them.`);
  }
  const isRecording = (file: string): boolean =>
    existsSync(file) && (statSync(file).isDirectory() || file.endsWith('.ndjson'));
  const recording = operands.find(isRecording);
  if (recording !== undefined && operands.length > 1) {
    throw new InputError(`"${recording}" is a recording: give it alone, or .heapsnapshot files.`);
  }
  if (recording !== undefined) return { kind: 'recording', path: recording };
  return { kind: 'snapshots', files: [...operands] };
}

/** One side of a comparison: also a report as JSON, or a folder of snapshots. Throws InputError. */
export function huntInput(operands: readonly string[]): LeakInput {
  const [first = ''] = operands;
  if (operands.length !== 1 || !existsSync(first)) return leakInput(operands);
  if (statSync(first).isFile() && isReport(first)) return { kind: 'report', path: first };
  const newest = statSync(first).isDirectory() ? newestHunt(first) : [];
  const report = newest.find((name) => name.endsWith('.json'));
  if (report !== undefined) return { kind: 'report', path: join(first, report) };
  return newest.length > 0 ? leakInput(newest.map((name) => join(first, name))) : leakInput(operands);
}

const isReport = (file: string): boolean => /^\s*\{\s*"schema"/.test(headOf(file) ?? '');

/** The files of the last hunt in a folder, in order; all snapshots where they have other names. */
function newestHunt(folder: string): string[] {
  const names = readdirSync(folder).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const hunts = names.filter((name) => OF_HUNT.test(name) && /\.(heapsnapshot|json)$/.test(name));
  const stampOf = (name: string): string => /\d{8}-\d{6}/.exec(name)![0];
  const newest = hunts.map(stampOf).sort().at(-1);
  if (newest !== undefined) return hunts.filter((name) => stampOf(name) === newest);
  return names.filter((name) => SNAPSHOT.test(name));
}
