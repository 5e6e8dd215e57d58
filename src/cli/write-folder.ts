import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DoctorFolder } from '../exporters/clinic-doctor/files.ts';
import { InputError } from '../util/input-error.ts';
import { makeFolders } from '../util/make-folders.ts';
import { nodeCode } from '../util/user-error.ts';
import { writePrivate } from './write-file.ts';

/** Writes the files into `parent`, in a folder of their own; its path. Throws InputError if it is there already, or cannot be written. */
export function writeFolder({ name, files }: DoctorFolder, parent: string): string {
  const folder = join(parent, name);
  if (existsSync(folder)) {
    throw new InputError(`"${folder}" exists already. Remove it, or give another folder with --output.`);
  }
  try {
    makeFolders(folder);
  } catch (error) {
    throw new InputError(`"${folder}" cannot be written (${nodeCode(error)}). Give another folder with --output.`);
  }
  for (const file of files) writePrivate(join(folder, file.name), [file.content]);
  return folder;
}
