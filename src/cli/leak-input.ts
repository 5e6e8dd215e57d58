import { existsSync, statSync } from 'node:fs';
import { InputError } from '../recording/reader.ts';
import { toPid } from './options.ts';

/** What a leak report is made from. */
export type LeakInput = { kind: 'process'; pid: number } | { kind: 'snapshots'; files: string[] };

const MAX_FILES = 3;

/** Tells process numbers from files. Throws InputError. */
export function leakInput(operands: readonly string[]): LeakInput {
  const [first = ''] = operands;
  if (operands.length === 1 && /^-?[\d.]+$/.test(first) && !existsSync(first))
    return { kind: 'process', pid: toPid(first) };
  if (operands.length > MAX_FILES) {
    throw new InputError(`These are ${operands.length} files. Give the first, a middle and the last of them.`);
  }
  const folder = operands.find((file) => existsSync(file) && statSync(file).isDirectory());
  if (folder !== undefined) {
    throw new InputError(
      `"${folder}" is a folder. Give .heapsnapshot files; of a recording, "evdiag report" tells what grows.`,
    );
  }
  return { kind: 'snapshots', files: [...operands] };
}
