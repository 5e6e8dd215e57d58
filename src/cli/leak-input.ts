import { existsSync, statSync } from 'node:fs';
import { InputError } from '../recording/reader.ts';
import { toPid } from './options.ts';

/** What a leak report is made from. */
export type LeakInput =
  | { kind: 'process'; pid: number }
  | { kind: 'snapshots'; files: string[] }
  | { kind: 'recording'; path: string };

const MAX_FILES = 3;

/** Distinguishes process numbers, snapshots and recordings. Throws InputError. */
export function leakInput(operands: readonly string[]): LeakInput {
  const [first = ''] = operands;
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
