import { basename } from 'node:path';
import { InputError } from '../util/input-error.ts';
import { nodeCode } from '../util/user-error.ts';

export { InputError };

/** What to do about an input that is not a recording: ends the messages about it. */
export const HINT = 'Give the folder that the agent printed, or the .evdiag folder.';
const HOW_TO_RECORD = 'Run a program under the agent ("evdiag run -- node app.js"), or give the folder of a recording.';

/** If the folder of recordings itself is empty, nothing was recorded here; a number is that of a process. */
export function hintFor(input: string): string {
  if (/^\d+$/.test(input)) return `"evdiag top ${input}" shows a running process. ${HINT}`;
  return basename(input) === '.evdiag' ? HOW_TO_RECORD : HINT;
}

/** The error of a file system call as one that says what to do. `input` is the path as the user gave it. */
export function accessError(error: unknown, input: string, hint = hintFor(input)): InputError {
  const code = nodeCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') return new InputError(`"${input}" does not exist. ${hint}`);
  if (code === 'EACCES' || code === 'EPERM') {
    return new InputError(`"${input}" cannot be read: permission denied. Read it as the user who recorded it.`);
  }
  return new InputError(`"${input}" cannot be read (${code}). ${hint}`);
}
