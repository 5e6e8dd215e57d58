import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeCode, UserError } from './user-error.ts';

/** A new folder for this user alone; whoever asks for it removes it. Throws UserError where there is no room for temporary files. */
export function makeTemporaryFolder(purpose: string): string {
  try {
    return mkdtempSync(join(tmpdir(), `evdiag-${purpose}-`));
  } catch (error) {
    throw new UserError(
      `Temporary files cannot be written to "${tmpdir()}" (${nodeCode(error)}). Set TMPDIR to a folder that can.`,
      'input',
    );
  }
}
